/** Writes keys without end, each line of its output one that was acknowledged. It is killed. */
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { createSqliteStore } from '../../dist/store/sqlite/sqlite-store.js';

const store = createSqliteStore({ path: process.argv[2] });
await store.open();

async function writeForever() {
  for (;;) {
    const keyId = randomUUID();
    await store.insertKey(
      {
        account: '111122223333',
        region: 'eu-central-1',
        keyId,
        version: 1,
        keySpec: 'SYMMETRIC_DEFAULT',
        keyUsage: 'ENCRYPT_DECRYPT',
        origin: 'AWS_KMS',
        keyManager: 'CUSTOMER',
        state: 'Enabled',
        description: `key ${keyId}`,
        multiRegion: false,
        createdAt: Date.now(),
        deletionDate: null,
        pendingWindowDays: null,
        currentMaterialId: null,
        publicKey: null,
        policy: null,
      },
      undefined,
    );
    writeSync(1, `${keyId}\n`);
  }
}
await Promise.all(Array.from({ length: 4 }, writeForever));
