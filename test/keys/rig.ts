/** The key domain over a real engine and a real SQLite store, for tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Caller } from '../../src/auth/port.js';
import { BlobInput } from '../../src/core/blob.js';
import { ManualClock } from '../../src/core/clock.js';
import type { KeySpec, KeyUsage } from '../../src/core/records.js';
import { createEngine } from '../../src/engine/engine.js';
import type { EngineOptions } from '../../src/engine/options.js';
import type { AccessKeys } from '../../src/keys/access-keys.js';
import { createAccessKeys } from '../../src/keys/access-keys.js';
import { DeploymentMac } from '../../src/keys/deployment-mac.js';
import { createDomainKeys, type DomainKeys } from '../../src/keys/domain-keys.js';
import type { Key } from '../../src/keys/key.js';
import type { RunningKeyService } from '../../src/keys/key-service.js';
import { createKeyService, type KeyServiceParts } from '../../src/keys/key-service.js';
import { Markers } from '../../src/keys/markers.js';
import type { KeyLookup } from '../../src/keys/service.js';
import { createLocalKeyStore } from '../../src/keystores/local/local-key-store.js';
import type { KeyStore } from '../../src/keystores/port.js';
import type { Store } from '../../src/store/port.js';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.js';

export const ACCOUNT = '111122223333';
export const REGION = 'eu-central-1';
export const CALLER: Caller = caller(ACCOUNT, REGION);

export function caller(account: string, region: string): Caller {
  return {
    account,
    arn: `arn:aws:iam::${account}:user/test`,
    kind: 'user',
    name: 'test',
    accessKeyId: 'AKIATEST',
    region,
  };
}

export interface RigOptions extends Partial<EngineOptions> {
  /** A data directory to share or to find again; a fresh one, removed on close, when absent. */
  readonly directory?: string;
  readonly parts?: Partial<KeyServiceParts>;
  /** Stands between the service and the store or the key store. */
  readonly wrapStore?: (store: Store) => Store;
  readonly wrapKeyStore?: (keyStore: KeyStore) => KeyStore;
}

export interface Rig {
  readonly directory: string;
  readonly clock: ManualClock;
  readonly store: Store;
  readonly keyStore: KeyStore;
  readonly domainKeys: DomainKeys;
  readonly service: RunningKeyService;
  readonly accessKeys: AccessKeys;
  /** As the service has them, for lists of a test's own. */
  readonly markers: Markers;
  create(spec?: KeySpec, usage?: KeyUsage, by?: Caller): Promise<Key>;
  /** Resolves as Encrypt does, unless said. */
  resolve(lookup: Partial<KeyLookup>, by?: Caller): Promise<Key>;
  /** All that is due by the rig's clock; rejects when some of it failed. */
  runDueWork(): Promise<number>;
  close(): Promise<void>;
}

const ROOT_FILE = 'root.key';

export async function openRig(options: RigOptions = {}): Promise<Rig> {
  const { directory: given, parts, wrapStore, wrapKeyStore, ...engineOptions } = options;
  const directory = given ?? mkdtempSync(join(tmpdir(), 'keystrel-keys-'));
  const engine = await createEngine({ dispatch: 'inline', ...engineOptions });
  const rootFile = join(directory, ROOT_FILE);
  let rootKey: ReturnType<typeof engine.vault.openFile>;
  try {
    rootKey = engine.vault.createFile(rootFile);
  } catch {
    rootKey = engine.vault.openFile(rootFile);
  }
  const clock = new ManualClock();
  const opened = createSqliteStore({ path: join(directory, 'keystrel.db'), clock });
  await opened.open();
  const store = wrapStore?.(opened) ?? opened;
  const local = createLocalKeyStore(engine);
  const keyStore = wrapKeyStore?.(local) ?? local;
  const domainKeys = createDomainKeys({ store, keyStore, rootKey, clock });
  const service = createKeyService({ store, keyStore, domainKeys, clock, ...parts });
  const accessKeys = createAccessKeys({ store, keyStore, domainKeys, clock });
  const markerMac = new DeploymentMac({ store, keyStore, domainKeys }, 'marker-key');
  return {
    directory,
    clock,
    store,
    keyStore,
    domainKeys,
    service,
    accessKeys,
    markers: new Markers(markerMac),
    create: (keySpec = 'SYMMETRIC_DEFAULT', keyUsage = 'ENCRYPT_DECRYPT', by = CALLER) =>
      service.createKey(by, {
        origin: 'AWS_KMS',
        keySpec,
        keyUsage,
        description: '',
        multiRegion: false,
        policy: undefined,
        tags: [],
      }),
    resolve: async (lookup, by = CALLER) =>
      service.resolve(by, { aliases: true, permission: 'kms:Encrypt', ...lookup }),
    async runDueWork() {
      let done = 0;
      for (const work of service.dueWork) done += await work.run(clock.now());
      return done;
    },
    async close() {
      service.close();
      markerMac.close();
      accessKeys.close();
      domainKeys.close();
      await engine.close();
      await opened.close();
      if (given === undefined) rmSync(directory, { recursive: true });
    },
  };
}

/** `target` with some methods replaced; its own methods keep their `this`. */
export function overridden<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      const value = Reflect.get(name in methods ? methods : target, name);
      return typeof value === 'function' ? value.bind(name in methods ? methods : target) : value;
    },
  });
}

export function blobInput(bytes: Uint8Array): BlobInput {
  return BlobInput.parse(Buffer.from(bytes).toString('base64'))!;
}
