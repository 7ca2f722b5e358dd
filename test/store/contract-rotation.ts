/** The store's contract: what rotation asks of it. */
import { describe, expect, test } from 'vitest';
import type { StoredKey, StoredMaterial } from '../../src/core/records.js';
import type { MaterialList, RegionKey } from '../../src/store/port.js';
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
  SCOPE,
} from './records.js';

const id = (digit: string) => digit.repeat(64);

export function rotationContract(subject: Subject): void {
  describe('rotation', () => {
    test('keys that are due: Enabled, no replicas, of any scope, in order, by pages', async () => {
      const { store } = subject;
      const due: Partial<StoredKey>[] = [
        { nextRotationAt: NOW },
        { nextRotationAt: NOW - 1_000, ...OTHER_ACCOUNT },
        { nextRotationAt: NOW - 1, ...OTHER_REGION },
        { nextRotationAt: NOW, multiRegionRole: 'PRIMARY', primaryRegion: SCOPE.region },
      ];
      const others: Partial<StoredKey>[] = [
        { nextRotationAt: NOW + 1 },
        { nextRotationAt: null },
        { nextRotationAt: NOW, state: 'Disabled' },
        { nextRotationAt: NOW, state: 'PendingDeletion' },
        { nextRotationAt: NOW, state: 'PendingImport' },
        { nextRotationAt: NOW, multiRegionRole: 'REPLICA', primaryRegion: 'us-east-1' },
      ];
      const keys: StoredKey[] = [];
      for (const fields of due) {
        keys.push(await insertKey(store, { rotationPeriodDays: 90, ...fields }));
      }
      for (const fields of others) await insertKey(store, { rotationPeriodDays: 90, ...fields });
      const place = (key: RegionKey) => `${key.region}/${key.keyId}`;
      keys.sort((a, b) => (place(a) < place(b) ? -1 : 1));
      expect(await store.keysDueForRotation(NOW, 10, undefined)).toEqual(keys);
      expect(await store.keysDueForRotation(NOW - 1_001, 10, undefined)).toEqual([]);
      const paged: StoredKey[] = [];
      for (let after: RegionKey | undefined; ; ) {
        const [next, ...none] = await store.keysDueForRotation(NOW, 1, after);
        expect(none).toEqual([]);
        if (next === undefined) break;
        paged.push(next);
        after = next;
      }
      expect(paged).toEqual(keys);
    });

    test('a material is found by the first half of its id, among those of its key', async () => {
      const { store } = subject;
      const domain = await store.insertDomainKey(SCOPE.region, ALL_BYTES, NOW);
      const [key, other] = [keyRecord(), keyRecord()];
      const ids = [
        '0'.repeat(64),
        'f'.repeat(64),
        `${'a'.repeat(32)}${'0'.repeat(32)}`,
        `${'a'.repeat(31)}b${'0'.repeat(32)}`,
      ];
      await store.insertKey(key, undefined);
      await store.insertKey(other, materialRecord(other, domain.id, { materialId: id('1') }));
      const put = ids.map((materialId) => materialRecord(key, domain.id, { materialId }));
      await store.updateKeyMaterials(SCOPE, key.keyId, 1, {}, { put });
      for (const wanted of ids) {
        const found = await store.findMaterial(SCOPE, key.keyId, wanted.slice(0, 32));
        expect(found?.materialId).toBe(wanted);
      }
      expect((await store.findMaterial(SCOPE, other.keyId, '11'))?.materialId).toBe(id('1'));
      for (const prefix of [id('1').slice(0, 32), '0f', 'fffffffff0', `${'a'.repeat(31)}c`]) {
        expect(await store.findMaterial(SCOPE, key.keyId, prefix)).toBeUndefined();
      }
      expect(await store.findMaterial(OTHER_ACCOUNT, key.keyId, '00')).toBeUndefined();
      expect(await store.findMaterial(OTHER_REGION, key.keyId, '00')).toBeUndefined();
    });

    test('pages of materials: oldest first, all or the rotated ones, each once', async () => {
      const { store } = subject;
      const domain = await store.insertDomainKey(SCOPE.region, ALL_BYTES, NOW);
      const [key, other] = [keyRecord(), keyRecord()];
      await store.insertKey(key, undefined);
      await store.insertKey(other, materialRecord(other, domain.id));
      const row = (digit: string, at: number, rotated: boolean): StoredMaterial =>
        materialRecord(key, domain.id, {
          materialId: id(digit),
          createdAt: NOW + at,
          ...(rotated ? { rotationType: 'ON_DEMAND', rotatedAt: NOW + at } : {}),
        });
      // Two of one moment are ordered by their ids.
      const all = [row('9', 0, false), row('3', 5, true), row('7', 5, true), row('1', 8, true)];
      const pending = row('5', 9, false);
      const put = [all[3]!, pending, all[1]!, all[0]!, all[2]!];
      await store.updateKeyMaterials(SCOPE, key.keyId, 1, {}, { put });
      const list = async (which: MaterialList, limit: number) => {
        const ids: string[] = [];
        let pages = 0;
        let after: string | undefined;
        do {
          const page = await store.pageMaterials(SCOPE, key.keyId, which, limit, after);
          expect(page.items.length).toBeLessThanOrEqual(limit);
          ids.push(...page.items.map((one) => one.materialId));
          after = page.next;
          pages += 1;
        } while (after !== undefined);
        return { ids, pages };
      };
      const everything = [...all, pending].map((one) => one.materialId);
      const rotated = all.slice(1).map((one) => one.materialId);
      expect(await list('all', 1)).toEqual({ ids: everything, pages: 5 });
      expect(await list('all', 2)).toEqual({ ids: everything, pages: 3 });
      expect(await list('all', 5)).toEqual({ ids: everything, pages: 1 });
      expect(await list('rotated', 1)).toEqual({ ids: rotated, pages: 3 });
      expect(await list('rotated', 3)).toEqual({ ids: rotated, pages: 1 });
      expect(
        (await store.pageMaterials(OTHER_ACCOUNT, key.keyId, 'all', 5, undefined)).items,
      ).toEqual([]);
    });

    test('one of two rotations at one time is refused whole; the other is told of once', async () => {
      const { store } = subject;
      const domain = await store.insertDomainKey(SCOPE.region, ALL_BYTES, NOW);
      const key = keyRecord({ currentMaterialId: id('0') });
      const first = materialRecord(key, domain.id, { materialId: id('0') });
      await store.insertKey(key, first);
      const heard = listen(store);
      const rotate = (digit: string) => {
        const next = materialRecord(key, domain.id, { materialId: id(digit), createdAt: NOW + 1 });
        return store.updateKeyMaterials(
          SCOPE,
          key.keyId,
          1,
          { currentMaterialId: id(digit) },
          { put: [{ ...first, state: 'NON_CURRENT' }, next] },
        );
      };
      const outcomes = await Promise.allSettled([rotate('1'), rotate('2')]);
      heard.stop();
      expect(outcomes.map((one) => one.status)).toEqual(['fulfilled', 'rejected']);
      expect(outcomes[1]).toMatchObject({ reason: { code: 'CONFLICT' } });
      const materials = await store.listMaterials(SCOPE, key.keyId);
      expect(materials.map((one) => [one.materialId, one.state])).toEqual([
        [id('0'), 'NON_CURRENT'],
        [id('1'), 'CURRENT'],
      ]);
      expect((await store.getKey(SCOPE, key.keyId))!.currentMaterialId).toBe(id('1'));
      expect(heard.lines).toEqual([`key ${key.keyId}`]);
    });
  });
}
