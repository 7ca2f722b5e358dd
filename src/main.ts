/**
 * The composition root: configuration -> adapters -> server. With deployment.ts the only file that
 * names adapters; each choice between them is made here and nowhere else.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { RecipientVerifier } from './attestation/port.js';
import { createRefusingVerifier } from './attestation/refusing-verifier.js';
import { createFileSink } from './audit/file-sink.js';
import type { AuditSink } from './audit/port.js';
import type { ServiceEventFields, ServiceEventRecorder } from './audit/record.js';
import { createAuditRecorder } from './audit/recorder.js';
import { createDevAuthenticator, DEV_ACCOUNT } from './auth/dev-authenticator.js';
import type { Authenticator } from './auth/port.js';
import { createSigV4Authenticator } from './auth/sigv4-authenticator.js';
import { type Clock, systemClock, turnClock } from './core/clock.js';
import { type Config, ConfigError } from './core/config.js';
import {
  type Deployment,
  holdsData,
  initialise,
  openDeployment,
  temporaryDeployment,
} from './deployment.js';
import { loadNativeAddon } from './engine/backends/native-addon.js';
import { userCacheDirectory } from './engine/break-even.js';
import { createEngine } from './engine/engine.js';
import type { Engine } from './engine/port.js';
import type { Key } from './keys/key.js';
import { createKeyService } from './keys/key-service.js';
import type { MadeRotation } from './keys/rotation.js';
import { createScheduler, type Scheduler } from './keys/scheduler.js';
import type { KeyService } from './keys/service.js';
import { OPERATIONS, UNSUPPORTED_OPERATIONS } from './operations/registry.js';
import type { FailureLog } from './server/pipeline.js';
import { type Addresses, createServer, type Server } from './server/server.js';
import type { Transport, TransportOptions } from './server/transport.js';
import { type QuotaProfile, quotaProfile } from './throttle/quota-profile.js';
import { createThrottle } from './throttle/token-bucket-throttle.js';

/** What the product says of itself; pino's loggers are such. */
export interface Log extends FailureLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** A running Keystrel. */
export interface Running {
  /** `http://HOST:PORT` or `https://HOST:PORT`, as bound. */
  readonly endpoint: string;
  /** `http://HOST:PORT`; undefined without an admin listener. */
  readonly adminEndpoint: string | undefined;
  readonly account: string;
  readonly region: string;
  readonly auditDirectory: string;
  readonly engine: Engine;
  readonly service: KeyService;
  /** Does what is due now, as the scheduler does by itself each minute; gives how much was done. */
  runDueWork(): Promise<number>;
  /** Finishes what is in flight, flushes the audit, closes all. Safe to call twice. */
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly log: Log;
  readonly clock?: Clock;
  /** Forbids core dumps and debuggers to this process: for programs that are nothing but Keystrel. */
  readonly protect?: boolean;
  /** Milliseconds between looks for work that is due; see SchedulerParts. */
  readonly dueWorkTickMs?: number;
}

/** Undone in reverse order, when a start fails as well as at the end. */
class Cleanup {
  readonly #steps: (() => unknown)[] = [];
  #done: Promise<void> | undefined;

  add(step: () => unknown): void {
    this.#steps.push(step);
  }

  run(): Promise<void> {
    this.#done ??= this.#run();
    return this.#done;
  }

  /** Every step runs, whatever became of those before it. */
  async #run(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.reverse()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not everything could be closed');
  }
}

/**
 * Starts all of Keystrel; requests are answered when it resolves.
 * @throws ConfigError, or Error with one line naming what failed; nothing is left running then
 */
export async function startKeystrel(config: Config, options: StartOptions): Promise<Running> {
  const cleanup = new Cleanup();
  try {
    return await start(config, options, cleanup);
  } catch (error) {
    await cleanup.run().catch(() => undefined);
    throw error;
  }
}

async function start(config: Config, options: StartOptions, cleanup: Cleanup): Promise<Running> {
  const { log, clock = systemClock } = options;
  const profile = quotas(config);
  const engine = await createEngine({
    ...config.engine,
    cacheDirectory: config.data ?? userCacheDirectory(),
  });
  cleanup.add(() => engine.close());
  if (options.protect === true) protectProcess(engine, log);
  const scratch = () => {
    const directory = mkdtempSync(join(tmpdir(), 'keystrel-dev-'));
    cleanup.add(() => rmSync(directory, { recursive: true, force: true }));
    return directory;
  };
  const deployment = await deploymentOf(config, engine, scratch, clock);
  cleanup.add(() => deployment.close());
  const { account, region, store, keyStore, domainKeys } = deployment;
  const regions = regionsOf(config, deployment);
  const auditDirectory = config.audit.directory ?? join(config.data ?? scratch(), 'audit');
  const audit = auditSink(config, auditDirectory, clock);
  cleanup.add(() => audit.close());
  const recorder = createAuditRecorder({ home: { account, region } });
  const service = createKeyService({
    store,
    keyStore,
    domainKeys,
    clock,
    quotas: config.limits,
    ...(config.services === undefined ? {} : { services: config.services }),
    principalsKnown: !config.dev,
    regions,
    ...serviceEvents(audit, recorder, clock),
  });
  cleanup.add(() => service.close());
  cleanup.add(() => service.flushUses());
  const requestClock = turnClock(clock);
  const server = createServer({
    authenticator: authenticatorOf(config, deployment, engine, requestClock),
    recipients: await recipientsOf(config, clock),
    throttle: createThrottle({ clock: requestClock, profile }),
    operations: OPERATIONS,
    unsupported: UNSUPPORTED_OPERATIONS,
    service,
    audit,
    recorder,
    clock: requestClock,
    log,
    createTransport: await transportOf(config),
    listen: listenOptions(config),
    regions: deployment.regions,
    adminListen: config.adminListen,
    lanes: () => engine.status().lanes,
    graceMs: config.graceMs,
  });
  const scheduler = schedulerOf(service, clock, options);
  // What came due while nothing ran is done before the first request can see that it was not.
  await scheduler.run();
  const addresses = await listen(server, config);
  cleanup.add(() => server.drain());
  scheduler.start();
  cleanup.add(() => scheduler.stop());
  const urls = endpoints(config, addresses);
  tell(config, engine, log, { account, region, regions, auditDirectory, ...urls });
  const stop = () => cleanup.run();
  const runDueWork = () => scheduler.run();
  return { ...urls, account, region, auditDirectory, engine, service, runDueWork, stop };
}

/** What happens to keys by itself, for the audit log. */
function serviceEvents(audit: AuditSink, recorder: ServiceEventRecorder, clock: Clock) {
  const onDeleted = (key: Key) =>
    recordServiceEvent({ event: 'DeleteKey' }, key, audit, recorder, clock);
  const onServiceKeyMade = (key: Key) => {
    const details = { keyId: key.arn, aliasName: `alias/${key.record.service}` };
    const event = { event: 'CreateKey', details } as const;
    return recordServiceEvent(event, key, audit, recorder, clock);
  };
  const onRotated = (made: MadeRotation) => recordRotation(made, audit, recorder, clock);
  const onMaterialExpired = (key: Key, keyMaterialId: string) => {
    const details = { keyId: key.record.keyId, keyMaterialId };
    const event = { event: 'DeleteExpiredKeyMaterial', details } as const;
    return recordServiceEvent(event, key, audit, recorder, clock);
  };
  return { onDeleted, onServiceKeyMade, onRotated, onMaterialExpired };
}

/** The Regions that are served; undefined = every one, as in development mode unless said. */
function regionsOf(config: Config, { regions }: Deployment): readonly string[] | undefined {
  return config.dev && config.regions === undefined ? undefined : regions;
}

function authenticatorOf(
  config: Config,
  deployment: Deployment,
  engine: Engine,
  clock: Clock,
): Authenticator {
  if (config.dev) return createDevAuthenticator(regionsOf(config, deployment));
  const { accessKeys, regions } = deployment;
  return createSigV4Authenticator({ accessKeys, verifier: engine, clock, regions });
}

/** The verifier and its libraries are loaded only where a root is trusted. */
async function recipientsOf(config: Config, clock: Clock): Promise<RecipientVerifier> {
  const { rootFile } = config.attestation;
  if (rootFile === undefined) return createRefusingVerifier();
  const pem = readSetting('attestation.rootFile', rootFile).toString('latin1');
  const { createNitroVerifier } = await import('./attestation/nitro-verifier.js');
  try {
    return createNitroVerifier(pem, clock);
  } catch (error) {
    throw new ConfigError('attestation.rootFile', `${rootFile}: ${(error as Error).message}`);
  }
}

function schedulerOf(service: KeyService, clock: Clock, options: StartOptions): Scheduler {
  const { dueWorkTickMs, log } = options;
  return createScheduler({
    work: service.dueWork,
    clock,
    ...(dueWorkTickMs === undefined ? {} : { tickMs: dueWorkTickMs }),
    onError: (error, work) => log.error({ work, error: (error as Error).name }, 'due work failed'),
  });
}

function auditSink(config: Config, directory: string, clock: Clock): AuditSink {
  const { durability, maxBytes } = config.audit;
  try {
    return createFileSink({ directory, durability, maxBytes, clock });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError('audit.directory', `${directory} cannot be used: ${code ?? 'unknown'}`);
  }
}

/** What came due is the service's own act, with a record of its own. */
function recordServiceEvent(
  event: Pick<ServiceEventFields, 'event' | 'details'>,
  key: Key,
  audit: AuditSink,
  recorder: ServiceEventRecorder,
  clock: Clock,
): Promise<void> {
  const { account, region } = key.record;
  const fields = { ...event, account, region, keyArn: key.arn, time: clock.now() };
  return audit.append(recorder.buildServiceEvent(fields));
}

/** Every rotation, also one that a request asked for, is told of as an act of the service. */
function recordRotation(
  { key, type, previousMaterialId, currentMaterialId }: MadeRotation,
  audit: AuditSink,
  recorder: ServiceEventRecorder,
  clock: Clock,
): Promise<void> {
  const { keyId, origin } = key.record;
  const details = {
    keyId,
    keyOrigin: origin,
    rotationType: type,
    previousKeyMaterialId: previousMaterialId,
    currentKeyMaterialId: currentMaterialId,
  };
  return recordServiceEvent({ event: 'RotateKey', details }, key, audit, recorder, clock);
}

function quotas(config: Config): QuotaProfile {
  try {
    return quotaProfile(config.quota ?? (config.dev ? 'off' : 'aws'));
  } catch (error) {
    throw new ConfigError('quota', (error as Error).message);
  }
}

async function deploymentOf(
  config: Config,
  engine: Engine,
  scratch: () => string,
  clock: Clock,
): Promise<Deployment> {
  const { dev, data } = config;
  if (!dev) return openDeployment(config, engine, clock);
  if (data === undefined) return temporaryDeployment(config, engine, scratch(), clock);
  if (holdsData(data)) return openDeployment(config, engine, clock);
  return initialise({ ...config, account: config.account ?? DEV_ACCOUNT }, engine, clock);
}

/** Each transport is loaded only where it is used: uWebSockets.js is native code. */
async function transportOf(config: Config): Promise<(options: TransportOptions) => Transport> {
  if (config.transport === 'node-http') {
    return (await import('./server/transports/node-http.js')).createNodeHttpTransport;
  }
  try {
    return (await import('./server/transports/uws.js')).createUwsTransport;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const text = `uWebSockets.js does not load here (${code ?? 'unknown error'})`;
    throw new ConfigError('transport', `${text}; use node-http`);
  }
}

function listenOptions(config: Config) {
  const { listen, tls, limits } = config;
  const { cert, key, minVersion } = tls;
  const { bodyBytes, headerBytes, headers, connections, idleTimeoutMs, bodyTimeoutMs } = limits;
  if (cert !== undefined && key !== undefined) checkTlsFiles(cert, key);
  return {
    ...listen,
    tls:
      cert === undefined || key === undefined
        ? undefined
        : { certFile: cert, keyFile: key, minVersion },
    limits: {
      bodyBytesMax: bodyBytes,
      headerBytesMax: headerBytes,
      headersMax: headers,
      connectionsMax: connections,
      idleTimeoutMs,
      bodyTimeoutMs,
    },
  };
}

function readSetting(setting: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(setting, `${file} cannot be read: ${code ?? 'unknown error'}`);
  }
}

/** uWebSockets.js and node:tls say little of a file they cannot use: told here, by setting. */
function checkTlsFiles(cert: string, key: string): void {
  const pair = { cert: readSetting('tls.cert', cert), key: readSetting('tls.key', key) };
  try {
    createSecureContext(pair);
  } catch {
    throw new ConfigError('tls.key', `${key} and ${cert} are no PEM key and its certificate`);
  }
}

async function listen(server: Server, config: Config): Promise<Addresses> {
  try {
    return await server.start();
  } catch (error) {
    // Which of the two listeners failed is known by the address that it names, if it names one.
    const { port } = error as { port?: number };
    const isAdmin = port !== undefined && port === config.adminListen?.port;
    const { host, port: wanted } = isAdmin ? config.adminListen : config.listen;
    const text = `cannot listen on ${host}:${wanted}: ${(error as Error).message}`;
    throw new ConfigError(isAdmin ? 'adminListen' : 'listen', text);
  }
}

function endpoints(config: Config, { port, adminPort }: Addresses) {
  const scheme = config.tls.cert === undefined ? 'http' : 'https';
  const url = (name: string, host: string, at: number) =>
    `${name}://${host.includes(':') ? `[${host}]` : host}:${at}`;
  return {
    endpoint: url(scheme, config.listen.host, port),
    adminEndpoint:
      config.adminListen === undefined || adminPort === undefined
        ? undefined
        : url('http', config.adminListen.host, adminPort),
  };
}

function protectProcess(engine: Engine, log: Log): void {
  const { addon } = engine.status().nativeReason === undefined ? loadNativeAddon() : {};
  if (addon === undefined) return;
  if (!addon.protectProcess()) log.warn({}, 'core dumps and debuggers could not be forbidden');
}

function tell(config: Config, engine: Engine, log: Log, facts: Readonly<Record<string, unknown>>) {
  const { cpuClass, nativeReason, threads } = engine.status();
  if (config.dev) {
    log.warn(
      { data: config.data ?? 'memory' },
      'DEVELOPMENT MODE: signatures are not checked, every caller is root of its account',
    );
  }
  if (nativeReason !== undefined) {
    log.warn({ reason: nativeReason }, 'no native backend: keys are in the memory of node:crypto');
  }
  log.info({ ...facts, cpuClass, threads, transport: config.transport }, 'serving');
}
