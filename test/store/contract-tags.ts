/** The store's contract: tags and last uses of keys. */
import { describe, expect, test } from 'vitest';
import type { StoredKey, StoredKeyUse, Tag } from '../../src/core/records.js';
import { MIGRATIONS } from '../../src/store/migrations.js';
import type { Store } from '../../src/store/port.js';
import type { Subject } from './contract.js';
import {
  insertKey,
  keyRecord,
  listen,
  NOW,
  OTHER_ACCOUNT,
  OTHER_REGION,
  refusal,
  SCOPE,
  UNICODE,
} from './records.js';

const tag = (key: string, value = ''): Tag => ({ key, value });

async function tagsOf(store: Store, key: StoredKey): Promise<readonly Tag[]> {
  return (await store.listTags(SCOPE, key.keyId, 1000, undefined)).items;
}

function useOf(key: StoredKey, fields: Partial<StoredKeyUse> = {}): StoredKeyUse {
  const { account, region, keyId } = key;
  return {
    account,
    region,
    keyId,
    operation: 'Encrypt',
    usedAt: NOW,
    requestId: 'request',
    eventId: 'event',
    ...fields,
  };
}

export function tagContract(subject: Subject): void {
  describe('tags', () => {
    test('come with a new key, are added, replaced and removed', async () => {
      const { store } = subject;
      const key = keyRecord();
      await store.insertKey(key, undefined, [tag('b', '1'), tag(UNICODE, UNICODE)]);
      expect(await tagsOf(store, key)).toEqual([tag(UNICODE, UNICODE), tag('b', '1')]);
      await store.putTags(SCOPE, key.keyId, [tag('b', '2'), tag('a'), tag('B', '3')], 50);
      const all = [tag('B', '3'), tag(UNICODE, UNICODE), tag('a'), tag('b', '2')];
      expect(await tagsOf(store, key)).toEqual(all);
      await store.deleteTags(SCOPE, key.keyId, ['b', 'absent', UNICODE]);
      expect(await tagsOf(store, key)).toEqual([tag('B', '3'), tag('a')]);
      expect(await store.getKey(SCOPE, key.keyId)).toEqual(key);
    });

    test('a key that is refused leaves none; others are not touched', async () => {
      const { store } = subject;
      const key = await insertKey(store);
      const other = await insertKey(store);
      await store.putTags(SCOPE, other.keyId, [tag('theirs')], 50);
      expect(await refusal(store.insertKey(key, undefined, [tag('a')]))).toBe('CONFLICT');
      await store.putTags(SCOPE, key.keyId, [tag('mine')], 50);
      await store.deleteTags(SCOPE, key.keyId, ['theirs']);
      expect(await tagsOf(store, other)).toEqual([tag('theirs')]);
      for (const scope of [OTHER_ACCOUNT, OTHER_REGION]) {
        expect(await refusal(store.putTags(scope, key.keyId, [tag('a')], 50))).toBe('NOT_FOUND');
        expect(await refusal(store.deleteTags(scope, key.keyId, ['mine']))).toBe('NOT_FOUND');
        expect((await store.listTags(scope, key.keyId, 9, undefined)).items).toEqual([]);
      }
    });

    test('the bound holds, and one beyond it changes nothing', async () => {
      const { store } = subject;
      const key = await insertKey(store);
      await store.putTags(SCOPE, key.keyId, [tag('a', '1'), tag('b', '1')], 2);
      const beyond = store.putTags(SCOPE, key.keyId, [tag('a', '2'), tag('c')], 2);
      expect(await refusal(beyond)).toBe('LIMIT');
      expect(await tagsOf(store, key)).toEqual([tag('a', '1'), tag('b', '1')]);
      await store.putTags(SCOPE, key.keyId, [tag('a', '2'), tag('b', '2')], 2);
      expect(await tagsOf(store, key)).toEqual([tag('a', '2'), tag('b', '2')]);
    });

    test('pages go on behind a tag that was removed in between', async () => {
      const { store } = subject;
      const key = await insertKey(store);
      const names = ['a', 'b', 'c', 'd', 'e'];
      await store.putTags(
        SCOPE,
        key.keyId,
        names.map((name) => tag(name)),
        50,
      );
      const first = await store.listTags(SCOPE, key.keyId, 2, undefined);
      expect([first.items.map(({ key: name }) => name), first.next]).toEqual([['a', 'b'], 'b']);
      await store.deleteTags(SCOPE, key.keyId, ['b']);
      const second = await store.listTags(SCOPE, key.keyId, 3, first.next);
      expect([second.items.map(({ key: name }) => name), second.next]).toEqual([
        ['c', 'd', 'e'],
        undefined,
      ]);
    });

    test('their changes are told as changes of the key', async () => {
      const { store } = subject;
      const key = await insertKey(store);
      const heard = listen(store);
      await store.putTags(SCOPE, key.keyId, [tag('a')], 50);
      await store.deleteTags(SCOPE, key.keyId, ['a']);
      expect(heard.lines).toEqual([`key ${key.keyId}`, `key ${key.keyId}`]);
      heard.stop();
    });

    test('go with their key', async () => {
      const { store } = subject;
      const key = await insertKey(store);
      await store.putTags(SCOPE, key.keyId, [tag('a')], 50);
      await store.recordKeyUses([useOf(key)]);
      await store.deleteKey(SCOPE, key.keyId, 1, NOW);
      expect(await tagsOf(store, key)).toEqual([]);
      expect(await store.getKeyUse(SCOPE, key.keyId)).toBeUndefined();
    });
  });

  describe('last uses', () => {
    test('the newest of a key is kept, whatever the order; no change is told', async () => {
      const { store } = subject;
      const [key, other] = [await insertKey(store), await insertKey(store)];
      const heard = listen(store);
      expect(await store.getKeyUse(SCOPE, key.keyId)).toBeUndefined();
      const newest = useOf(key, { usedAt: NOW + 9, operation: 'Sign', eventId: 'newest' });
      const theirs = useOf(other);
      await store.recordKeyUses([useOf(key), newest, theirs]);
      await store.recordKeyUses([useOf(key, { usedAt: NOW + 8, operation: 'Verify' })]);
      expect(await store.getKeyUse(SCOPE, key.keyId)).toEqual(newest);
      expect(await store.getKeyUse(SCOPE, other.keyId)).toEqual(theirs);
      expect(await store.getKeyUse(OTHER_REGION, key.keyId)).toBeUndefined();
      expect(heard.lines).toEqual([]);
      heard.stop();
    });

    test('a key that is gone is passed over, the others of its group are not', async () => {
      const { store } = subject;
      const key = await insertKey(store);
      await store.recordKeyUses([useOf(keyRecord()), useOf(key)]);
      expect(await store.getKeyUse(SCOPE, key.keyId)).toEqual(useOf(key));
    });
  });

  test('the time of each schema version is known, of others none', async () => {
    const { store } = subject;
    for (const { version } of MIGRATIONS) {
      expect(await store.migratedAt(version)).toBeTypeOf('number');
    }
    expect(await store.migratedAt(MIGRATIONS.length + 1)).toBeUndefined();
  });
}
