/**
 * Whole servers for tests: in this process (startServer: clock and store can be reached) or as the
 * program that is shipped (spawnServer: it can be killed). Both on free loopback ports, with a data
 * directory of their own unless one is given.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KMSClient, type KMSClientConfig } from '@aws-sdk/client-kms';
import { newAccessKey } from '../src/cli/administrator.js';
import type { Clock } from '../src/core/clock.js';
import { type ConfigInput, parseConfig } from '../src/core/config.js';
import type { KeyState } from '../src/core/records.js';
import { initialise } from '../src/deployment.js';
import { createEngine } from '../src/engine/engine.js';
import { type Running, startKeystrel } from '../src/main.js';
import { createSqliteStore } from '../src/store/sqlite/sqlite-store.js';
import { type Credentials, type RawOptions, type RawReply, rawCall } from './raw-client.js';

const CLI = fileURLToPath(new URL('../dist/cli/keystrel.js', import.meta.url));
const REGION = 'eu-central-1';
/** What servers serve unless told otherwise, the home Region first. */
const REGIONS = [REGION, 'us-east-1', 'ap-southeast-2'];
const READY_MS = 30_000;
const QUIET = { info: () => undefined, warn: () => undefined };

type Quota = 'aws' | 'off' | Readonly<Record<string, number>>;

/** What every server under test can do. */
export interface ServerUnderTest {
  readonly endpoint: string;
  readonly adminEndpoint: string;
  readonly account: string;
  readonly region: string;
  readonly credentials: Credentials;
  /** An SDK client that does not retry unless told to. */
  kms(options?: Partial<KMSClientConfig>): KMSClient;
  /** One signed request. A string is sent as it is. */
  call(operation: string, body: unknown, options?: Partial<RawOptions>): Promise<RawReply>;
  /** Every line of the audit log, in order. */
  auditLines(): string[];
  /** Ends the server, if it still runs, and removes what was made for it. */
  stop(): Promise<void>;
}

export interface TestServer extends ServerUnderTest {
  readonly running: Running;
  /** What the scheduler does by itself, now. */
  runDueWork(): Promise<number>;
  /** Changes a stored state as another process on the same store would. */
  setKeyState(keyId: string, state: KeyState): Promise<void>;
  setKeyStates(keyIds: readonly string[], state: KeyState): Promise<void>;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SpawnedServer extends ServerUnderTest {
  readonly pid: number;
  /** All that the process said on stderr. */
  log(): string;
  signal(signal: NodeJS.Signals): void;
  /** Sends the signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<Exit>;
}

/** A data directory with its first access key. */
export interface DataDirectory {
  readonly path: string;
  readonly account: string;
  readonly region: string;
  readonly credentials: Credentials;
  remove(): void;
}

export interface StartOptions {
  readonly quota?: Quota;
  readonly dev?: boolean;
  readonly clock?: Clock;
  readonly config?: ConfigInput;
}

export interface SpawnOptions {
  readonly quota?: Quota;
  readonly data?: DataDirectory;
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArguments?: readonly string[];
  readonly auditDirectory?: string;
  /** More arguments of `keystrel serve`. */
  readonly args?: readonly string[];
}

const scratch = (purpose: string) => mkdtempSync(join(tmpdir(), `keystrel-${purpose}-`));

function lines(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n'))
    .filter((line) => line !== '');
}

function client(
  facts: Pick<ServerUnderTest, 'endpoint' | 'region' | 'credentials'>,
): Pick<ServerUnderTest, 'kms' | 'call'> {
  const { endpoint, region, credentials } = facts;
  return {
    kms: (options) => new KMSClient({ endpoint, region, credentials, maxAttempts: 1, ...options }),
    call: (operation, body, options) =>
      rawCall(endpoint, operation, body, { credentials, region, ...options }),
  };
}

/** Starts a server in this process. */
export async function startServer(options: StartOptions = {}): Promise<TestServer> {
  const data = scratch('server');
  const dev = options.dev === true;
  const config = parseConfig({
    listen: '127.0.0.1:0',
    adminListen: '127.0.0.1:0',
    region: REGION,
    ...(dev ? {} : { regions: REGIONS }),
    quota: options.quota as 'off',
    audit: { durability: 'write', directory: join(data, 'audit') },
    ...options.config,
    ...(dev ? { dev } : { data: join(data, 'data') }),
  });
  const credentials = dev
    ? { accessKeyId: '000000000000', secretAccessKey: 'not checked' }
    : await firstAccessKey(config);
  const running = await startKeystrel(config, {
    log: { ...QUIET, error: (fields, message) => console.log(message, fields) },
    // A test with a clock of its own says itself when work that is due is done.
    ...(options.clock === undefined ? {} : { clock: options.clock, dueWorkTickMs: 2 ** 31 - 1 }),
  });
  const { account, region, endpoint, adminEndpoint = '' } = running;
  const setStates = (keyIds: readonly string[], state: KeyState) =>
    setStoredStates(join(data, 'data', 'keystrel.db'), { account, region }, keyIds, state);
  return {
    running,
    endpoint,
    adminEndpoint,
    account,
    region,
    credentials,
    ...client({ endpoint, region, credentials }),
    auditLines: () => lines(running.auditDirectory),
    runDueWork: () => running.runDueWork(),
    setKeyState: (keyId, state) => setStates([keyId], state),
    setKeyStates: setStates,
    stop: async () => {
      await running.stop();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

async function firstAccessKey(config: ReturnType<typeof parseConfig>): Promise<Credentials> {
  const engine = await createEngine({ ...config.engine, dispatch: 'inline' });
  const deployment = await initialise(config, engine);
  const { accessKeyId, secretAccessKey } = await newAccessKey(deployment, 'tester');
  await deployment.close();
  await engine.close();
  return { accessKeyId, secretAccessKey };
}

async function setStoredStates(
  path: string,
  scope: { readonly account: string; readonly region: string },
  keyIds: readonly string[],
  state: KeyState,
): Promise<void> {
  const store = createSqliteStore({ path });
  await store.open();
  for (const keyId of keyIds) {
    const key = await store.getKey(scope, keyId);
    if (key === undefined) throw new Error(`there is no key ${keyId}`);
    if (key.state !== state) await store.updateKey(key, { state });
  }
  await store.close();
}

function requireBuild(): void {
  if (!existsSync(CLI)) throw new Error(`${CLI} is not built: scripts/setup`);
}

/** Makes a data directory with the program itself, at `path` or in a fresh place. */
export function initialiseData(path?: string): DataDirectory {
  requireBuild();
  const parent = path === undefined ? scratch('data') : undefined;
  const at = path ?? join(parent!, 'data');
  const args = [CLI, 'init', '--data', at, '--regions', REGIONS.join(','), '--json'];
  const { account, region, ...credentials } = JSON.parse(
    execFileSync(process.execPath, args, { encoding: 'utf8' }),
  ) as { account: string; region: string } & Credentials;
  return {
    path: at,
    account,
    region,
    credentials,
    remove: () => rmSync(parent ?? at, { recursive: true, force: true }),
  };
}

/** Arguments of `keystrel serve`; a quota of our own goes into a file in `directory`. */
function serveArguments(options: SpawnOptions, data: string, directory: string): string[] {
  const { quota, auditDirectory, args = [] } = options;
  const all = ['serve', '--data', data, '--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'];
  if (typeof quota === 'object') {
    const file = join(directory, 'quota.json');
    writeFileSync(file, JSON.stringify(quota));
    all.push('--quota', file);
  } else if (quota !== undefined) all.push('--quota', quota);
  if (auditDirectory !== undefined) all.push('--audit-directory', auditDirectory);
  return [...all, ...args];
}

/** Starts the program that is shipped. Resolves once it is ready. */
export async function spawnServer(options: SpawnOptions = {}): Promise<SpawnedServer> {
  requireBuild();
  const data = options.data ?? initialiseData();
  const own = scratch('spawned');
  const args = serveArguments(options, data.path, own);
  const child = spawn(process.execPath, [...(options.nodeArguments ?? []), CLI, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const clean = () => {
    rmSync(own, { recursive: true, force: true });
    if (options.data === undefined) data.remove();
  };
  let endpoint: string;
  let adminEndpoint: string;
  try {
    endpoint = await readiness(child, () => log);
    adminEndpoint = await adminAddress(() => log);
  } catch (error) {
    child.kill('SIGKILL');
    clean();
    throw error;
  }
  const { account, region, credentials } = data;
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return exited;
  };
  return {
    endpoint,
    adminEndpoint,
    account,
    region,
    credentials,
    pid: child.pid!,
    ...client({ endpoint, region, credentials }),
    auditLines: () => lines(options.auditDirectory ?? join(data.path, 'audit')),
    log: () => log,
    signal: (signal) => void child.kill(signal),
    kill: end,
    stop: async () => {
      await end('SIGTERM');
      clean();
    },
  };
}

/** From the log, which comes by another pipe and so, perhaps, a little later than `ready`. */
async function adminAddress(log: () => string): Promise<string> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    const match = /"adminEndpoint":"([^"]+)"/.exec(log());
    if (match !== null) return match[1]!;
    if (performance.now() > deadline) throw new Error(`no admin address in the log:\n${log()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The URL of the line `ready URL`, which is all that the program says on stdout. */
function readiness(child: ChildProcess, log: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const refuse = (why: string) => reject(new Error(`the server ${why}:\n${text}${log()}`));
    const timer = setTimeout(() => refuse(`is not ready after ${READY_MS} ms`), READY_MS);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      refuse(`ended with ${code ?? signal}`);
    });
    child.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const match = /^ready (https?:\/\/\S+)\n$/.exec(text);
      if (match === null) return;
      clearTimeout(timer);
      resolve(match[1]!);
    });
  });
}
