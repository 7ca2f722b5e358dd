/**
 * A seal protects the root key. The root key itself stays behind the vault, which the engine
 * implements: with the native backend its bytes never enter the JavaScript heap.
 */
import type { KeyHandle } from '../core/key-handle.js';

/** Where a passphrase is read from, by the vault itself, so that it need not pass through JS. */
export type PassphraseSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'env'; readonly name: string };

/** Makes and opens root keys. All methods throw a plain Error whose message holds no secret. */
export interface RootVault {
  /** Creates a fresh root key and writes it to `path` (mode 0600, fsync, must not exist). */
  createFile(path: string): KeyHandle;
  /** Opens it; refuses a file that others may read or write. */
  openFile(path: string): KeyHandle;
  /** As createFile, the root key sealed by argon2id(passphrase) + AES-256-GCM. */
  createPassphraseFile(path: string, source: PassphraseSource): KeyHandle;
  openPassphraseFile(path: string, source: PassphraseSource): KeyHandle;
}

export interface Seal {
  readonly kind: 'file' | 'passphrase';
  /** Makes the root key of a new deployment. Throws when one is there. */
  create(): Promise<KeyHandle>;
  /** Opens the root key. Throws when it is absent, damaged or the passphrase is wrong. */
  open(): Promise<KeyHandle>;
}
