/**
 * Markers of lists: opaque, authenticated, and bound to the list that gave them.
 *
 *   marker = base64url( HMAC-SHA-256 (32) | last item in UTF-8 )
 *
 * The HMAC key is made once per deployment, wrapped by a domain key and kept among the store's
 * deployment facts, so that every process of a deployment reads every marker.
 */
import { KmsError } from '../core/errors.js';
import type { KeyHandle, KeyStore } from '../keystores/port.js';
import type { Store } from '../store/port.js';
import { type DomainKeys, GLOBAL_DOMAIN, once } from './domain-keys.js';
import { isStoreError, storeFailure, unwrapFailure } from './failures.js';

const META_NAME = 'marker-key';
const AAD = Buffer.from('keystrel/marker-key/v1');
const SPEC = 'HMAC_256';
const MAC_BYTES = 32;

export interface MarkersParts {
  readonly store: Store;
  readonly keyStore: KeyStore;
  readonly domainKeys: DomainKeys;
}

function invalid(cause?: unknown): KmsError {
  return new KmsError('InvalidMarkerException', 'The marker is not valid.', cause);
}

export class Markers {
  readonly #parts: MarkersParts;
  readonly #key = new Map<typeof META_NAME, Promise<KeyHandle>>();

  constructor(parts: MarkersParts) {
    this.#parts = parts;
  }

  /** `list`: operation and whatever else says which list it is, e.g. account, region, filter. */
  async encode(list: readonly string[], last: string): Promise<string> {
    const { keyStore } = this.#parts;
    const handle = await this.#handle();
    try {
      const mac = await keyStore.mac(handle, SPEC, message(list, last));
      return Buffer.concat([mac, Buffer.from(last)]).toString('base64url');
    } catch (error) {
      throw keyStore.failure(error);
    }
  }

  /** The last item that the marker stands for. @throws InvalidMarkerException */
  async decode(list: readonly string[], marker: string): Promise<string> {
    const { keyStore } = this.#parts;
    const bytes = Buffer.from(marker, 'base64url');
    if (bytes.length <= MAC_BYTES || bytes.toString('base64url') !== marker) throw invalid();
    const last = bytes.toString('utf8', MAC_BYTES);
    const handle = await this.#handle();
    try {
      await keyStore.verifyMac(handle, SPEC, message(list, last), bytes.subarray(0, MAC_BYTES));
    } catch (error) {
      const failure = keyStore.failure(error);
      throw failure.code === 'KMSInvalidMacException' ? invalid(failure) : failure;
    }
    return last;
  }

  /** Frees the key. */
  close(): void {
    const loaded = this.#key.get(META_NAME);
    this.#key.clear();
    loaded?.then(
      (handle) => this.#parts.keyStore.free(handle),
      () => undefined,
    );
  }

  #handle(): Promise<KeyHandle> {
    return once(this.#key, META_NAME, async () => {
      const [domainId, wrapped] = (await this.#stored()).split('.');
      const { keyStore, domainKeys } = this.#parts;
      const domain = await domainKeys.byId(GLOBAL_DOMAIN, Number(domainId));
      try {
        return await keyStore.load(domain.handle, SPEC, Buffer.from(wrapped ?? '', 'base64'), AAD);
      } catch (error) {
        throw unwrapFailure(keyStore.failure(error));
      }
    });
  }

  /** `<domain key id>.<wrapped key in base64>`; made by the process that first needs it. */
  async #stored(): Promise<string> {
    const { store, keyStore, domainKeys } = this.#parts;
    try {
      const known = await store.getMeta(META_NAME);
      if (known !== undefined) return known;
      const domain = await domainKeys.current(GLOBAL_DOMAIN);
      const made = await keyStore.generate(domain.handle, SPEC, META_NAME, AAD);
      const value = `${domain.id}.${made.wrapped.toString('base64')}`;
      try {
        await store.insertMeta(META_NAME, value);
        return value;
      } catch (error) {
        const other = isStoreError(error, 'CONFLICT') ? await store.getMeta(META_NAME) : undefined;
        if (other === undefined) throw error;
        return other;
      }
    } catch (error) {
      throw storeFailure(keyStore.failure(error));
    }
  }
}

/** JSON keeps the parts apart whatever they hold. */
function message(list: readonly string[], last: string): Buffer {
  return Buffer.from(JSON.stringify([...list, last]));
}
