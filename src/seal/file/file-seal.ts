/** The file seal: the root key in a file that only the server's user may read. */
import { existsSync } from 'node:fs';
import type { RootVault, Seal } from '../port.js';

/** Makes a seal over `path`; the vault makes and reads the file (mode 0600, fsync). */
export function createFileSeal(vault: RootVault, path: string): Seal {
  return Object.freeze<Seal>({
    kind: 'file',
    async create() {
      // The vault never writes over a file either; here the message says what it means.
      if (existsSync(path)) throw new Error(`${path}: a root key is there already`);
      return vault.createFile(path);
    },
    async open() {
      if (!existsSync(path)) throw new Error(`${path}: there is no root key`);
      return vault.openFile(path);
    },
  });
}
