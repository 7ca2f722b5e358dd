/**
 * Data directories: made by init, opened by the server and by commands. With main.ts the part that
 * knows which store and which seal there is.
 *
 * A data directory (mode 0700) holds `keystrel.db` (the store), `root.key` (the sealed root key) and
 * `audit/`. Account, region and seal are facts of the store, set once by init.
 */
import { randomInt } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DEV_ACCOUNT } from './auth/dev-authenticator.js';
import { type Clock, systemClock } from './core/clock.js';
import { type Config, ConfigError } from './core/config.js';
import type { KeyHandle } from './core/key-handle.js';
import type { Engine } from './engine/port.js';
import { type AccessKeys, createAccessKeys } from './keys/access-keys.js';
import { createDomainKeys, type DomainKeys } from './keys/domain-keys.js';
import { createLocalKeyStore } from './keystores/local/local-key-store.js';
import type { KeyStore } from './keystores/port.js';
import { createFileSeal } from './seal/file/file-seal.js';
import { createPassphraseSeal } from './seal/passphrase/passphrase-seal.js';
import type { PassphraseSource, RootVault, Seal } from './seal/port.js';
import type { Store } from './store/port.js';
import { createSqliteStore } from './store/sqlite/sqlite-store.js';

const STORE_FILE = 'keystrel.db';
const ROOT_KEY_FILE = 'root.key';
const FORMAT = '1';
const DEFAULT_REGION = 'us-east-1';

/** A data directory, opened: everything that is there without a server. */
export interface Deployment {
  /** 12 digits. */
  readonly account: string;
  /** The home Region. */
  readonly region: string;
  /** The Regions that are served, the home Region first. */
  readonly regions: readonly string[];
  readonly store: Store;
  readonly keyStore: KeyStore;
  readonly domainKeys: DomainKeys;
  readonly accessKeys: AccessKeys;
  close(): Promise<void>;
}

function sealOf(kind: string, vault: RootVault, directory: string, config: Config): Seal {
  const path = join(directory, ROOT_KEY_FILE);
  if (kind === 'file') return createFileSeal(vault, path);
  const { passphraseFile, passphraseEnv } = config.seal;
  let source: PassphraseSource;
  if (passphraseFile !== undefined) source = { kind: 'file', path: passphraseFile };
  else if (passphraseEnv !== undefined) source = { kind: 'env', name: passphraseEnv };
  else {
    const text = 'the seal is a passphrase: name its file, or seal.passphraseEnv its variable';
    throw new ConfigError('seal.passphraseFile', text);
  }
  return createPassphraseSeal(vault, path, source);
}

async function assemble(
  engine: Engine,
  store: Store,
  rootKey: KeyHandle,
  clock: Clock,
  facts: Pick<Deployment, 'account' | 'region' | 'regions'>,
): Promise<Deployment> {
  const keyStore = createLocalKeyStore(engine);
  const domainKeys = createDomainKeys({ store, keyStore, rootKey, clock });
  const accessKeys = createAccessKeys({ store, keyStore, domainKeys, clock });
  return {
    ...facts,
    store,
    keyStore,
    domainKeys,
    accessKeys,
    close: () => {
      accessKeys.close();
      domainKeys.close();
      return store.close();
    },
  };
}

/**
 * Makes a data directory: `config.data` must be absent or empty.
 * @throws ConfigError, Error naming what failed; nothing of ours stays behind then
 */
export async function initialise(
  config: Config,
  engine: Engine,
  clock: Clock = systemClock,
): Promise<Deployment> {
  const { data } = config;
  if (data === undefined) throw new ConfigError('data', 'name the data directory to make');
  if (existsSync(data) && readdirSync(data).length > 0) {
    throw new ConfigError('data', `${data} is not empty`);
  }
  mkdirSync(data, { recursive: true, mode: 0o700 });
  chmodSync(data, 0o700);
  const kind = config.seal.kind ?? 'file';
  const account = config.account ?? String(randomInt(1, 1e12)).padStart(12, '0');
  const region = config.region ?? config.regions?.[0] ?? DEFAULT_REGION;
  const store = createSqliteStore({ path: join(data, STORE_FILE), clock });
  try {
    const rootKey = await sealOf(kind, engine.vault, data, config).create();
    await store.open();
    for (const [name, value] of Object.entries({ account, region, seal: kind })) {
      await store.insertMeta(name, value);
    }
    if (config.regions !== undefined) await store.insertMeta('regions', config.regions.join(','));
    // Last: a directory without it was never finished.
    await store.insertMeta('format', FORMAT);
    const regions = served(region, config.regions);
    return await assemble(engine, store, rootKey, clock, { account, region, regions });
  } catch (error) {
    await store.close();
    for (const name of readdirSync(data)) rmSync(join(data, name), { recursive: true });
    throw error;
  }
}

/**
 * Opens the data directory of `config`.
 * @throws ConfigError, Error naming what failed
 */
export async function openDeployment(
  config: Config,
  engine: Engine,
  clock: Clock = systemClock,
): Promise<Deployment> {
  const { data } = config;
  if (data === undefined) {
    throw new ConfigError('data', 'name the data directory (or, to try things out, use dev)');
  }
  const path = join(data, STORE_FILE);
  if (!existsSync(path)) {
    throw new ConfigError('data', `${data} holds no data of Keystrel; keystrel init makes it`);
  }
  const store = createSqliteStore({ path, clock });
  await store.open();
  try {
    const facts = await storedFacts(store, config, data);
    const rootKey = await sealOf(facts.seal, engine.vault, data, config).open();
    return await assemble(engine, store, rootKey, clock, facts);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** What init has set; settings that say otherwise are refused. */
async function storedFacts(store: Store, config: Config, data: string) {
  const format = await store.getMeta('format');
  if (format === undefined) throw new ConfigError('data', `${data}: init was not finished there`);
  if (format !== FORMAT) throw new ConfigError('data', `${data}: unknown format ${format}`);
  const fact = async (setting: string, name: string, given: string | undefined) => {
    const value = (await store.getMeta(name))!;
    if (given === undefined || given === value) return value;
    throw new ConfigError(setting, `${given} given, but ${data} was made with ${value}`);
  };
  const region = await fact('region', 'region', config.region);
  const regions = config.regions ?? (await store.getMeta('regions'))?.split(',');
  if (regions?.includes(region) === false) {
    throw new ConfigError('regions', `the home Region ${region} of ${data} is not among them`);
  }
  return {
    account: await fact('account', 'account', config.account),
    region,
    regions: served(region, regions),
    seal: await fact('seal.kind', 'seal', config.seal.kind),
  };
}

/** The home Region first. */
function served(home: string, regions: readonly string[] = []): readonly string[] {
  return Object.freeze([...new Set([home, ...regions])]);
}

/** For development mode: a store in memory, and a root key that lives as long as the process. */
export async function temporaryDeployment(
  config: Config,
  engine: Engine,
  directory: string,
  clock: Clock,
): Promise<Deployment> {
  const rootKey = await sealOf('file', engine.vault, directory, config).create();
  rmSync(join(directory, ROOT_KEY_FILE));
  const store = createSqliteStore({ path: ':memory:', clock });
  await store.open();
  const account = config.account ?? DEV_ACCOUNT;
  const region = config.region ?? config.regions?.[0] ?? DEFAULT_REGION;
  const regions = served(region, config.regions);
  return assemble(engine, store, rootKey, clock, { account, region, regions });
}

/** True where init has begun, at least. */
export function holdsData(directory: string): boolean {
  return existsSync(join(directory, STORE_FILE));
}
