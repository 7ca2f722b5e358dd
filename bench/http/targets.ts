/** The servers under load: ours, a bare echo and a naive KMS, each a child process of its own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { repository } from '../harness.js';
import { type Credentials, callOnce } from './signed-request.js';

const run = promisify(execFile);
const READY_MS = 30_000;

export type TargetName = 'keystrel' | 'echo' | 'naive';

export interface Target {
  readonly name: TargetName;
  readonly endpoint: string;
  readonly pid: number;
  readonly credentials: Credentials;
  /** Creates a key, where the server has keys, and returns its ARN. */
  createKey(input: object): Promise<string>;
  call(operation: string, input: object): Promise<Record<string, unknown>>;
  stop(): Promise<void>;
}

const ANY_KEY = 'arn:aws:kms:us-east-1:000000000000:key/00000000-0000-4000-8000-000000000000';
const DUMMY: Credentials = {
  region: 'us-east-1',
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
/** Far above what one machine does, so that the caps are drawn on and never refuse. */
const CAP = 1_000_000;

function here(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Waits for the line `ready URL` on the child's output. */
function ready(child: ChildProcess, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => reject(new Error(`${name}: not ready: ${text}`)), READY_MS);
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const match = /^ready (http:\/\/\S+)$/m.exec(text);
      if (match === null) return;
      clearTimeout(timer);
      resolve(match[1]!);
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}: ${text}`)));
  });
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}

async function startChild(
  name: TargetName,
  args: readonly string[],
  credentials: Credentials,
  folder: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Target> {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      BENCH_SECRET: credentials.secretAccessKey,
      BENCH_LOG: join(folder, 'naive.log'),
      ...env,
    },
  });
  const endpoint = await ready(child, name);
  const call = (operation: string, input: object) =>
    callOnce(endpoint, operation, input, credentials);
  return {
    name,
    endpoint,
    pid: child.pid!,
    credentials,
    call,
    async createKey(input) {
      if (name !== 'keystrel') return ANY_KEY;
      const { KeyMetadata } = await call('CreateKey', input);
      return (KeyMetadata as { Arn: string }).Arn;
    },
    async stop() {
      await stop(child);
      rmSync(folder, { recursive: true });
    },
  };
}

/** What the program's first line gives node, as a shell would. */
function nodeArguments(program: string): string[] {
  const [first] = readFileSync(program, 'utf8').split('\n', 1);
  return first!.split(' ').filter((word) => word.startsWith('--'));
}

const scratch = () => mkdtempSync(join(tmpdir(), 'keystrel-bench-'));

/** Quotas by name, requests per second; `default` stands for all. */
export type Quotas = Readonly<Record<string, number>>;

async function startKeystrel(
  quotas: Quotas,
  engineThreads: number,
  cpuClass: string,
  checkout = repository(),
): Promise<Target> {
  const cli = join(checkout, 'dist/cli/keystrel.js');
  if (!existsSync(cli)) throw new Error(`${cli} is not built: npm run build`);
  const folder = scratch();
  const data = join(folder, 'data');
  const { stdout } = await run(process.execPath, [cli, 'init', '--data', data, '--json']);
  const credentials = JSON.parse(stdout) as Credentials;
  const quota = join(folder, 'quota.yaml');
  const lines = Object.entries(quotas).map(([key, rate]) => `${key}: ${rate}\n`);
  writeFileSync(quota, lines.join(''));
  const args = [
    'serve',
    '--data',
    data,
    '--listen',
    '127.0.0.1:0',
    '--admin-listen',
    '127.0.0.1:0',
  ];
  const limits = ['--quota', quota, '--audit-durability', 'write'];
  const engine = ['--engine-threads', String(engineThreads)];
  const command = [...nodeArguments(cli), cli, ...args, ...limits, ...engine];
  const env = cpuClass === '' ? {} : { KEYSTREL_CPU: cpuClass };
  return startChild('keystrel', command, credentials, folder, env);
}

/**
 * `engineThreads`: workers of our server's engine; 0 = its default. `cpuClass`: the class of kernels
 * that it is to use; empty = as it finds itself.
 */
export function startTarget(
  name: TargetName,
  quotas: Quotas = {},
  engineThreads = 0,
  cpuClass = '',
): Promise<Target> {
  if (name === 'keystrel') {
    return startKeystrel({ default: CAP, ...quotas }, engineThreads, cpuClass);
  }
  return startChild(name, [here(`${name}-server.js`)], DUMMY, scratch());
}

/** Our server as another checkout has it, with that one's own command line; built there. */
export function startCheckout(checkout: string, engineThreads: number): Promise<Target> {
  return startKeystrel({ default: CAP, 'hot-key': CAP }, engineThreads, '', checkout);
}
