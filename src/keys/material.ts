/** Key material that is loaded: a handle, and what ciphertexts under it begin with. */
import type { KeyHandle } from '../keystores/port.js';
import type { Cached } from './second-chance-cache.js';

export interface Material extends Cached {
  readonly account: string;
  readonly region: string;
  readonly keyId: string;
  /** 64 hex digits. */
  readonly materialId: string;
  readonly handle: KeyHandle;
  /** Header of all ciphertexts under this material, and its base64 form. */
  readonly header: Buffer;
  readonly headerText: string;
  /** Jobs in flight. */
  uses: number;
  /** No new job may use it. */
  retired: boolean;
  freed: boolean;
}
