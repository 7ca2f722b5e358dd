/**
 * What a deployment hands out for clients to bring back (markers, grant tokens) carries an
 * HMAC-SHA-256 under a key of the deployment, one key for each purpose. The key is made by the
 * process that first needs it, wrapped by a domain key, and kept among the store's deployment facts,
 * so that every process of the deployment knows what any of them has handed out.
 */
import type { KeyHandle, KeyStore } from '../keystores/port.js';
import type { Store } from '../store/port.js';
import { type DomainKeys, GLOBAL_DOMAIN, once } from './domain-keys.js';
import { isStoreError, storeFailure, unwrapFailure } from './failures.js';

const SPEC = 'HMAC_256';

/** Bytes of a MAC. */
export const MAC_BYTES = 32;

/** Also the name of the deployment fact. */
export type MacPurpose = 'marker-key' | 'grant-token-key';

export interface DeploymentMacParts {
  readonly store: Store;
  readonly keyStore: KeyStore;
  readonly domainKeys: DomainKeys;
}

export class DeploymentMac {
  readonly #parts: DeploymentMacParts;
  readonly #purpose: MacPurpose;
  readonly #aad: Buffer;
  readonly #key = new Map<MacPurpose, Promise<KeyHandle>>();

  constructor(parts: DeploymentMacParts, purpose: MacPurpose) {
    this.#parts = parts;
    this.#purpose = purpose;
    this.#aad = Buffer.from(`keystrel/${purpose}/v1`);
  }

  /** MAC_BYTES bytes. @throws KMSInternalException, ThrottlingException */
  async mac(message: Uint8Array): Promise<Buffer> {
    const { keyStore } = this.#parts;
    const handle = await this.#handle();
    try {
      return await keyStore.mac(handle, SPEC, message);
    } catch (error) {
      throw keyStore.failure(error);
    }
  }

  /** True when `mac` is that of `message`. @throws KMSInternalException, ThrottlingException */
  async verify(message: Uint8Array, mac: Uint8Array): Promise<boolean> {
    const { keyStore } = this.#parts;
    const handle = await this.#handle();
    try {
      await keyStore.verifyMac(handle, SPEC, message, mac);
      return true;
    } catch (error) {
      const failure = keyStore.failure(error);
      if (failure.code === 'KMSInvalidMacException') return false;
      throw failure;
    }
  }

  /** Frees the key. */
  close(): void {
    const loaded = this.#key.get(this.#purpose);
    this.#key.clear();
    loaded?.then(
      (handle) => this.#parts.keyStore.free(handle),
      () => undefined,
    );
  }

  #handle(): Promise<KeyHandle> {
    return once(this.#key, this.#purpose, async () => {
      const [domainId, wrapped] = (await this.#stored()).split('.');
      const { keyStore, domainKeys } = this.#parts;
      const domain = await domainKeys.byId(GLOBAL_DOMAIN, Number(domainId));
      try {
        const bytes = Buffer.from(wrapped ?? '', 'base64');
        return await keyStore.load(domain.handle, SPEC, bytes, this.#aad);
      } catch (error) {
        throw unwrapFailure(keyStore.failure(error));
      }
    });
  }

  /** `<domain key id>.<wrapped key in base64>`. */
  async #stored(): Promise<string> {
    const { store, keyStore, domainKeys } = this.#parts;
    const name = this.#purpose;
    try {
      const known = await store.getMeta(name);
      if (known !== undefined) return known;
      const domain = await domainKeys.current(GLOBAL_DOMAIN);
      const made = await keyStore.generate(domain.handle, SPEC, name, this.#aad);
      const value = `${domain.id}.${made.wrapped.toString('base64')}`;
      try {
        await store.insertMeta(name, value);
        return value;
      } catch (error) {
        const other = isStoreError(error, 'CONFLICT') ? await store.getMeta(name) : undefined;
        if (other === undefined) throw error;
        return other;
      }
    } catch (error) {
      throw storeFailure(keyStore.failure(error));
    }
  }
}
