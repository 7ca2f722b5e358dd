/** Runs one command per line of its input on a store, and answers each with one line. */
import { createInterface } from 'node:readline';
import { createSqliteStore } from '../../dist/store/sqlite/sqlite-store.js';

const store = createSqliteStore({ path: process.argv[2] });
await store.open();
console.log('open');
for await (const name of createInterface({ input: process.stdin })) {
  const outcome = await store.insertMeta(name, 'value').then(
    () => 'done',
    (error) => `${error.code} ${error.message}`,
  );
  console.log(`${outcome}; stored: ${(await store.getMeta(name)) !== undefined}`);
}
await store.close();
