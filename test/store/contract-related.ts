/** The contract of related keys: the primary of a multi-Region key and its replicas. */
import { describe, expect, test } from 'vitest';
import type { StoredKey } from '../../src/core/records.js';
import type { KeyPatch, RelatedKeyChange, Store } from '../../src/store/port.js';
import type { Subject } from './contract.js';
import {
  ALL_BYTES,
  insertKey,
  keyRecord,
  listen,
  materialRecord,
  NOW,
  OTHER_ACCOUNT,
  OTHER_REGION,
  refusal,
  SCOPE,
} from './records.js';

const KEY_ID = `mrk-${'0'.repeat(32)}`;
const THIRD_REGION = { ...SCOPE, region: 'ap-south-1' };
const DAY_MS = 86_400_000;

function primaryRecord(fields: Partial<StoredKey> = {}): StoredKey {
  return keyRecord({
    keyId: KEY_ID,
    multiRegion: true,
    multiRegionRole: 'PRIMARY',
    primaryRegion: SCOPE.region,
    ...fields,
  });
}

const replicaRecord = (fields: Partial<StoredKey> = {}) =>
  primaryRecord({ ...OTHER_REGION, multiRegionRole: 'REPLICA', ...fields });

export function relatedContract(subject: Subject): void {
  const versions = async (store: Store) =>
    (await store.listRelatedKeys(SCOPE.account, KEY_ID)).map((key) => [key.region, key.version]);

  describe('related keys', () => {
    test('are those of the account with the id, by region', async () => {
      const { store } = subject;
      const primary = primaryRecord();
      await store.insertKey(primary, undefined);
      const [second, third] = [replicaRecord(), replicaRecord(THIRD_REGION)];
      const tags = [{ key: 'team', value: 'blue' }];
      await store.insertReplica(second, [], SCOPE.region, 1, tags);
      const tagged = await store.listTags(second, second.keyId, 9, undefined);
      expect(tagged.items).toEqual(tags);
      await store.insertReplica(third, [], SCOPE.region, 2);
      for (const scope of [SCOPE, second, third]) expect(await store.countKeys(scope)).toBe(1);
      const stranger = { ...OTHER_ACCOUNT, region: 'sa-east-1' };
      await store.insertKey(primaryRecord(stranger), undefined);
      await insertKey(store);
      expect(await store.listRelatedKeys(SCOPE.account, KEY_ID)).toEqual([
        third,
        { ...primary, version: 3 },
        second,
      ]);
      expect(await store.listRelatedKeys(SCOPE.account, 'absent')).toEqual([]);
    });

    test('a replica comes with all its materials, and advances its primary', async () => {
      const { store } = subject;
      const [here, there] = [
        await store.insertDomainKey(SCOPE.region, ALL_BYTES, NOW),
        await store.insertDomainKey(OTHER_REGION.region, ALL_BYTES, NOW),
      ];
      const primary = primaryRecord();
      await store.insertKey(primary, materialRecord(primary, here.id));
      const replica = replicaRecord();
      const materials = ['ab', 'cd'].map((byte) =>
        materialRecord(replica, there.id, { materialId: byte.repeat(32) }),
      );
      const heard = listen(store);
      await store.insertReplica(replica, materials, SCOPE.region, 1);
      expect(heard.changes).toMatchObject([
        { kind: 'key', ...SCOPE, id: KEY_ID },
        { kind: 'key', ...OTHER_REGION, id: KEY_ID },
      ]);
      heard.stop();
      const stored = await store.listMaterials(OTHER_REGION, KEY_ID);
      expect(stored.map((one) => one.materialId)).toEqual(materials.map((one) => one.materialId));
      expect([...stored[0]!.wrapped]).toEqual([...ALL_BYTES]);
      expect(await store.listMaterials(SCOPE, KEY_ID)).toHaveLength(1);
      expect(await versions(store)).toEqual([
        [SCOPE.region, 2],
        [OTHER_REGION.region, 1],
      ]);
    });

    test('a refused replica leaves nothing behind', async () => {
      const { store } = subject;
      const primary = primaryRecord();
      await store.insertKey(primary, undefined);
      const replica = replicaRecord();
      const insert = (version: number, materials = [] as ReturnType<typeof materialRecord>[]) =>
        refusal(store.insertReplica(replica, materials, SCOPE.region, version));
      expect(await insert(2)).toBe('CONFLICT');
      expect(await insert(1, [materialRecord(replica, 999)])).toBe('NOT_FOUND');
      const lost = store.insertReplica(replica, [], THIRD_REGION.region, 1);
      expect(await refusal(lost)).toBe('NOT_FOUND');
      expect(await versions(store)).toEqual([[SCOPE.region, 1]]);
      await store.insertReplica(replica, [], SCOPE.region, 1);
      expect(await insert(2)).toBe('CONFLICT');
      expect(await versions(store)).toEqual([
        [SCOPE.region, 2],
        [OTHER_REGION.region, 1],
      ]);
    });

    test('change together, or not at all', async () => {
      const { store } = subject;
      const domain = await store.insertDomainKey(OTHER_REGION.region, ALL_BYTES, NOW);
      await store.insertKey(primaryRecord(), undefined);
      const replica = replicaRecord();
      await store.insertReplica(replica, [], SCOPE.region, 1);
      const material = materialRecord(replica, domain.id);
      const swap = (versionThere: number): RelatedKeyChange[] => [
        { region: SCOPE.region, expectVersion: 2, patch: { multiRegionRole: 'REPLICA' } },
        {
          region: OTHER_REGION.region,
          expectVersion: versionThere,
          patch: { multiRegionRole: 'PRIMARY', primaryRegion: OTHER_REGION.region },
          materials: { put: [material] },
        },
      ];
      const update = (changes: readonly RelatedKeyChange[]) =>
        store.updateRelatedKeys(SCOPE.account, KEY_ID, changes);
      expect(await refusal(update(swap(7)))).toBe('CONFLICT');
      const absent = { region: THIRD_REGION.region, expectVersion: 1, patch: {} };
      expect(await refusal(update([...swap(1), absent]))).toBe('NOT_FOUND');
      expect(await versions(store)).toEqual([
        [SCOPE.region, 2],
        [OTHER_REGION.region, 1],
      ]);
      expect(await store.listMaterials(OTHER_REGION, KEY_ID)).toEqual([]);
      const made = await update(swap(1));
      expect(made).toMatchObject([
        { ...SCOPE, multiRegionRole: 'REPLICA', primaryRegion: SCOPE.region, version: 3 },
        { ...OTHER_REGION, multiRegionRole: 'PRIMARY', version: 2 },
      ]);
      expect(await store.listRelatedKeys(SCOPE.account, KEY_ID)).toEqual(made);
      expect(await store.listMaterials(OTHER_REGION, KEY_ID)).toHaveLength(1);
    });
  });

  describe('deletion of replicas', () => {
    async function family(patch: KeyPatch): Promise<Store> {
      const { store } = subject;
      await store.insertKey(primaryRecord(), undefined);
      await store.insertReplica(replicaRecord(), [], SCOPE.region, 1);
      await store.insertReplica(replicaRecord(THIRD_REGION), [], SCOPE.region, 2);
      await store.updateKey(primaryRecord({ version: 3 }), patch);
      return store;
    }

    test('the last one starts the window of a primary that waits for it', async () => {
      const waiting = { state: 'PendingReplicaDeletion', pendingWindowDays: 9 } as const;
      const store = await family(waiting);
      await store.deleteKey(OTHER_REGION, KEY_ID, 1, NOW);
      expect(await store.getKey(SCOPE, KEY_ID)).toMatchObject({ ...waiting, version: 5 });
      const heard = listen(store);
      await store.deleteKey(THIRD_REGION, KEY_ID, 1, NOW + 5);
      expect(heard.lines).toEqual([`key ${KEY_ID}`, `key ${KEY_ID}`]);
      heard.stop();
      expect(await store.getKey(SCOPE, KEY_ID)).toMatchObject({
        state: 'PendingDeletion',
        deletionDate: NOW + 5 + 9 * DAY_MS,
        pendingWindowDays: 9,
        version: 6,
      });
    });

    test('changes no other primary but for its version', async () => {
      const store = await family({ state: 'Disabled' });
      await store.deleteKey(OTHER_REGION, KEY_ID, 1, NOW);
      await store.deleteKey(THIRD_REGION, KEY_ID, 1, NOW);
      expect(await store.listRelatedKeys(SCOPE.account, KEY_ID)).toMatchObject([
        { state: 'Disabled', deletionDate: null, version: 6 },
      ]);
    });

    test('refused, changes nothing', async () => {
      const store = await family({ state: 'PendingReplicaDeletion', pendingWindowDays: 9 });
      expect(await refusal(store.deleteKey(OTHER_REGION, KEY_ID, 4, NOW))).toBe('CONFLICT');
      expect((await store.getKey(SCOPE, KEY_ID))!.version).toBe(4);
    });
  });
}
