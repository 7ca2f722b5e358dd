/** The store's contract: keys and their materials. */
import { describe, expect, test } from 'vitest';
import type { StoredKey, StoredMaterial } from '../../src/core/records.js';
import type { KeyPatch } from '../../src/store/port.js';
import type { Subject } from './contract.js';
import {
  ALL_BYTES,
  aliasRecord,
  insertKey,
  keyRecord,
  materialRecord,
  NOW,
  OTHER_ACCOUNT,
  OTHER_REGION,
  refusal,
  SCOPE,
  UNICODE,
} from './records.js';

const bytes = (value: Uint8Array | null | undefined) => (value ? [...value] : value);

export function keyContract(subject: Subject): void {
  describe('keys', () => {
    test('a key comes back as it went in, every member', async () => {
      const key = keyRecord({
        keySpec: 'ECC_NIST_P384',
        keyUsage: 'SIGN_VERIFY',
        state: 'PendingDeletion',
        description: UNICODE,
        multiRegion: true,
        deletionDate: NOW + 7 * 86_400_000,
        pendingWindowDays: 7,
        currentMaterialId: 'cd'.repeat(32),
        publicKey: ALL_BYTES,
        policy: `{"Sid":"${UNICODE}"}`,
      });
      await subject.store.insertKey(key, undefined);
      const found = (await subject.store.getKey(SCOPE, key.keyId))!;
      expect(bytes(found.publicKey)).toEqual([...ALL_BYTES]);
      expect({ ...found, publicKey: null }).toEqual({ ...key, publicKey: null });
    });

    test('nulls stay null and an empty blob stays a blob', async () => {
      const plain = await insertKey(subject.store);
      expect(await subject.store.getKey(SCOPE, plain.keyId)).toEqual(plain);
      const empty = await insertKey(subject.store, { publicKey: new Uint8Array(0) });
      expect(bytes((await subject.store.getKey(SCOPE, empty.keyId))!.publicKey)).toEqual([]);
    });

    test('is found in its own account and region only, or by region', async () => {
      const { store } = subject;
      const key = await insertKey(store);
      expect(await store.getKey(OTHER_ACCOUNT, key.keyId)).toBeUndefined();
      expect(await store.getKey(OTHER_REGION, key.keyId)).toBeUndefined();
      expect(await store.findKey(SCOPE.region, key.keyId)).toEqual(key);
      expect(await store.findKey(OTHER_REGION.region, key.keyId)).toBeUndefined();
      expect(await store.getKey(SCOPE, 'absent')).toBeUndefined();
    });

    test('a key id is taken once per region; other regions may have it too', async () => {
      const { store } = subject;
      const key = await insertKey(store, { description: 'first' });
      expect(await refusal(store.insertKey({ ...key, description: 'x' }, undefined))).toBe(
        'CONFLICT',
      );
      expect(await refusal(store.insertKey({ ...key, ...OTHER_ACCOUNT }, undefined))).toBe(
        'CONFLICT',
      );
      await store.insertKey({ ...key, ...OTHER_REGION }, undefined);
      expect((await store.getKey(SCOPE, key.keyId))!.description).toBe('first');
    });

    test('comes with an alias, or not at all', async () => {
      const { store } = subject;
      const key = keyRecord();
      const alias = aliasRecord(key, 'alias/aws/s3');
      await store.insertKey(key, undefined, [], alias);
      expect(await store.getAlias(SCOPE, alias.name)).toEqual(alias);
      const late = keyRecord();
      const again = aliasRecord(late, alias.name);
      expect(await refusal(store.insertKey(late, undefined, [], again))).toBe('CONFLICT');
      expect(await store.getKey(SCOPE, late.keyId)).toBeUndefined();
      expect((await store.getAlias(SCOPE, alias.name))!.targetKeyId).toBe(key.keyId);
    });

    test('a change takes the version it expects, and gives the next', async () => {
      const { store } = subject;
      const key = await insertKey(store);
      const made = await store.updateKey(key, { state: 'Disabled' });
      expect(made).toEqual({ ...key, state: 'Disabled', version: 2 });
      expect(await store.getKey(SCOPE, key.keyId)).toEqual(made);
      expect(await refusal(store.updateKey(key, { state: 'Enabled' }))).toBe('CONFLICT');
      expect(await refusal(store.updateKey({ ...key, keyId: 'absent' }, {}))).toBe('NOT_FOUND');
      expect(await refusal(store.updateKey({ ...made, ...OTHER_ACCOUNT }, {}))).toBe('NOT_FOUND');
      expect(await store.getKey(SCOPE, key.keyId)).toEqual(made);
    });

    test('each member of a patch is set, to null too, and no other', async () => {
      const { store } = subject;
      const key = await insertKey(store);
      const patches: KeyPatch[] = [
        { state: 'PendingDeletion' },
        { description: UNICODE },
        { deletionDate: NOW },
        { pendingWindowDays: 30 },
        { currentMaterialId: 'ef'.repeat(32) },
        { policy: '{}' },
        { deletionDate: null, pendingWindowDays: null, currentMaterialId: null, policy: null },
        {},
      ];
      let expected = key;
      for (const patch of patches) {
        const made = await store.updateKey(expected, patch);
        expected = { ...expected, ...patch, version: expected.version + 1 };
        expect(made).toEqual(expected);
        expect(await store.getKey(SCOPE, key.keyId)).toEqual(expected);
      }
      await store.updateKey(expected, { publicKey: ALL_BYTES });
      expect(bytes((await store.getKey(SCOPE, key.keyId))!.publicKey)).toEqual([...ALL_BYTES]);
    });

    test('deletion takes materials and aliases along, of this key alone', async () => {
      const { store } = subject;
      const domain = await store.insertDomainKey(SCOPE.region, ALL_BYTES, NOW);
      const [key, other] = [keyRecord(), keyRecord()];
      await store.insertKey(key, materialRecord(key, domain.id));
      await store.insertKey(other, materialRecord(other, domain.id));
      await store.insertAlias(aliasRecord(key, 'alias/a'), 50);
      await store.insertAlias(aliasRecord(other, 'alias/b'), 50);
      expect(await refusal(store.deleteKey(SCOPE, key.keyId, 2, NOW))).toBe('CONFLICT');
      expect(await store.listMaterials(SCOPE, key.keyId)).toHaveLength(1);

      await store.deleteKey(SCOPE, key.keyId, 1, NOW);
      expect(await store.getKey(SCOPE, key.keyId)).toBeUndefined();
      expect(await store.listMaterials(SCOPE, key.keyId)).toEqual([]);
      expect(await store.getAlias(SCOPE, 'alias/a')).toBeUndefined();
      expect(await store.listMaterials(SCOPE, other.keyId)).toHaveLength(1);
      expect(await store.getAlias(SCOPE, 'alias/b')).toBeDefined();
      expect(await refusal(store.deleteKey(SCOPE, key.keyId, 1, NOW))).toBe('NOT_FOUND');
    });

    test('the due list: PendingDeletion, at or before now, any scope, oldest first', async () => {
      const { store } = subject;
      const state = 'PendingDeletion';
      const late = await insertKey(store, { state, deletionDate: NOW });
      const early = await insertKey(store, { ...OTHER_ACCOUNT, state, deletionDate: NOW - 5 });
      const abroad = await insertKey(store, { ...OTHER_REGION, state, deletionDate: NOW - 1 });
      await insertKey(store, { state, deletionDate: NOW + 1 });
      await insertKey(store, { state: 'Disabled', deletionDate: NOW - 1 });
      const ids = async (limit: number) =>
        (await store.keysDueForDeletion(NOW, limit)).map((key) => key.keyId);
      expect(await ids(10)).toEqual([early.keyId, abroad.keyId, late.keyId]);
      expect(await ids(2)).toEqual([early.keyId, abroad.keyId]);
    });
  });

  describe('key pages', () => {
    test('are ordered by id, and end exactly where the keys do', async () => {
      const { store } = subject;
      expect(await store.listKeyIds(SCOPE, 10, undefined)).toEqual({ items: [], next: undefined });
      const ids = ['b', 'd', 'a', 'e', 'c', 'f'];
      for (const keyId of ids) await insertKey(store, { keyId });
      await insertKey(store, { ...OTHER_ACCOUNT, keyId: 'bb' });
      await insertKey(store, { ...OTHER_REGION, keyId: 'cc' });
      for (const limit of [1, 2, 3, 4, 5, 6, 7]) {
        const seen: string[] = [];
        let after: string | undefined;
        let pages = 0;
        do {
          const page = await store.listKeyIds(SCOPE, limit, after);
          expect(page.items.length).toBeGreaterThan(0);
          seen.push(...page.items);
          after = page.next;
          pages += 1;
        } while (after !== undefined);
        expect(seen).toEqual([...ids].sort());
        expect(pages).toBe(Math.ceil(ids.length / limit));
      }
      await insertKey(store, { keyManager: 'AWS', service: 'aws/s3' });
      expect(await store.countKeys(SCOPE)).toBe(6);
      expect(await store.countKeys(OTHER_REGION)).toBe(1);
      await store.deleteKey(SCOPE, 'c', 1, NOW);
      expect(await store.countKeys(SCOPE)).toBe(5);
      expect(await refusal(insertKey(store, { keyId: 'a' }))).toBe('CONFLICT');
      expect(await store.countKeys(SCOPE)).toBe(5);
      expect(await store.countKeys({ ...SCOPE, region: 'sa-east-1' })).toBe(0);
    });

    test('go on behind a key that was deleted in between', async () => {
      const { store } = subject;
      for (const keyId of ['a', 'b', 'c']) await insertKey(store, { keyId });
      const first = await store.listKeyIds(SCOPE, 2, undefined);
      expect(first.next).toBe('b');
      await store.deleteKey(SCOPE, 'b', 1, NOW);
      const rest = await store.listKeyIds(SCOPE, 2, first.next);
      expect(rest.items).toEqual(['c']);
      expect(rest.next).toBeUndefined();
    });
  });

  describe('materials', () => {
    test('come with their key, bytes intact', async () => {
      const { store } = subject;
      const domain = await store.insertDomainKey(SCOPE.region, ALL_BYTES, NOW);
      const key = keyRecord();
      const material = materialRecord(key, domain.id);
      await store.insertKey(key, material);
      const found = (await store.getMaterial(SCOPE, key.keyId, material.materialId))!;
      expect({ ...found, wrapped: [...found.wrapped] }).toEqual({
        ...material,
        wrapped: [...ALL_BYTES],
      });
      expect(await store.getMaterial(SCOPE, key.keyId, 'absent')).toBeUndefined();
      expect(
        await store.getMaterial(OTHER_ACCOUNT, key.keyId, material.materialId),
      ).toBeUndefined();
      expect(await store.listMaterials(SCOPE, 'absent')).toEqual([]);
    });

    test('a key whose material is refused is not there', async () => {
      const { store } = subject;
      const key = keyRecord();
      expect(await refusal(store.insertKey(key, materialRecord(key, 999)))).toBe('NOT_FOUND');
      expect(await store.getKey(SCOPE, key.keyId)).toBeUndefined();
    });

    test('change together with their key, or not at all', async () => {
      const { store } = subject;
      const domain = await store.insertDomainKey(SCOPE.region, ALL_BYTES, NOW);
      const [key, other] = [keyRecord(), keyRecord()];
      const id = (n: number) => String(n).repeat(64);
      const row = (of: typeof key, n: number, fields: Partial<StoredMaterial> = {}) =>
        materialRecord(of, domain.id, { materialId: id(n), createdAt: NOW + n, ...fields });
      await store.insertKey(key, row(key, 1));
      await store.insertKey(other, row(other, 1));
      const wrapped = Uint8Array.from([7, 0, 7]);
      const next = row(key, 2, { wrapped });
      const old = row(key, 1, { state: 'NON_CURRENT', wrapped: new Uint8Array(0) });
      const patch = { currentMaterialId: id(2) };
      const change = store.updateKeyMaterials(SCOPE, key.keyId, 1, patch, { put: [next, old] });
      wrapped.fill(0);
      expect(await change).toEqual({ ...key, ...patch, version: 2 });
      const plain = (rows: readonly StoredMaterial[]) =>
        rows.map((one) => ({ ...one, wrapped: [...one.wrapped] }));
      const both = [
        { ...old, wrapped: [] },
        { ...next, wrapped: [7, 0, 7] },
      ];
      expect(plain(await store.listMaterials(SCOPE, key.keyId))).toEqual(both);

      const call = (version: number, put: StoredMaterial) =>
        store.updateKeyMaterials(SCOPE, key.keyId, version, {}, { put: [put], remove: [id(1)] });
      expect(await refusal(call(1, row(key, 3)))).toBe('CONFLICT');
      expect(await refusal(call(2, row(key, 3, { domainKeyId: 999 })))).toBe('NOT_FOUND');
      expect(await refusal(store.updateKeyMaterials(OTHER_ACCOUNT, key.keyId, 2, {}, {}))).toBe(
        'NOT_FOUND',
      );
      expect(plain(await store.listMaterials(SCOPE, key.keyId))).toEqual(both);
      expect((await store.getKey(SCOPE, key.keyId))!.version).toBe(2);

      await store.updateKeyMaterials(SCOPE, key.keyId, 2, {}, { remove: [id(1), id(9)] });
      expect(plain(await store.listMaterials(SCOPE, key.keyId))).toEqual([both[1]]);
      expect(await store.listMaterials(SCOPE, other.keyId)).toHaveLength(1);
    });

    test('the expiry list: at or before now, any scope, oldest first', async () => {
      const { store } = subject;
      const domain = await store.insertDomainKey(SCOPE.region, ALL_BYTES, NOW);
      const dues: [Partial<StoredKey>, number | null][] = [
        [{}, NOW],
        [OTHER_ACCOUNT, NOW - 5],
        [OTHER_REGION, NOW - 1],
        [{}, NOW + 1],
        [{}, null],
      ];
      const ids: string[] = [];
      for (const [fields, validTo] of dues) {
        const key = keyRecord(fields);
        ids.push(key.keyId);
        await store.insertKey(key, materialRecord(key, domain.id, { validTo }));
      }
      const due = async (limit: number) =>
        (await store.materialsDueForExpiry(NOW, limit)).map((one) => one.keyId);
      expect(await due(10)).toEqual([ids[1], ids[2], ids[0]]);
      expect(await due(2)).toEqual([ids[1], ids[2]]);
    });

    test('bytes are taken at the call: a buffer may be wiped right after', async () => {
      const { store } = subject;
      const domain = await store.insertDomainKey(SCOPE.region, ALL_BYTES, NOW);
      const key = keyRecord();
      const wrapped = Uint8Array.from([1, 2, 3]);
      const inserted = store.insertKey(key, materialRecord(key, domain.id, { wrapped }));
      wrapped.fill(0);
      await inserted;
      const [found] = await store.listMaterials(SCOPE, key.keyId);
      expect(bytes(found?.wrapped)).toEqual([1, 2, 3]);
    });
  });
}
