/**
 * The passphrase seal: the root key in a file, encrypted under a key that argon2id derives from a
 * passphrase. The vault reads the passphrase itself.
 */
import { existsSync } from 'node:fs';
import type { PassphraseSource, RootVault, Seal } from '../port.js';

/** Makes a seal over `path`. Deriving the key takes about 0.2 s and 64 MiB, on this thread. */
export function createPassphraseSeal(
  vault: RootVault,
  path: string,
  source: PassphraseSource,
): Seal {
  return Object.freeze<Seal>({
    kind: 'passphrase',
    async create() {
      // The vault never writes over a file either; here the message says what it means.
      if (existsSync(path)) throw new Error(`${path}: a root key is there already`);
      return vault.createPassphraseFile(path, source);
    },
    async open() {
      if (!existsSync(path)) throw new Error(`${path}: there is no root key`);
      return vault.openPassphraseFile(path, source);
    },
  });
}
