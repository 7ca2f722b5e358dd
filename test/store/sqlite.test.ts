/** The SQLite adapter against the store's contract: as a file, and in memory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.js';
import { storeContract } from './contract.js';

storeContract('SQLite, a file', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'keystrel-store-'));
  return {
    async open() {
      const store = createSqliteStore({ path: join(directory, 'keystrel.db') });
      await store.open();
      return store;
    },
    remove: async () => rmSync(directory, { recursive: true }),
  };
});

// Each instance in memory is a database of its own, so there is nothing to share.
storeContract(
  'SQLite, in memory',
  async () => ({
    async open() {
      const store = createSqliteStore({ path: ':memory:' });
      await store.open();
      return store;
    },
    remove: async () => undefined,
  }),
  { shared: false },
);
