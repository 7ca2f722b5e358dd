/** The store's contract: aliases. */
import { describe, expect, test } from 'vitest';
import type { Subject } from './contract.js';
import {
  aliasRecord,
  insertKey,
  keyRecord,
  NOW,
  OTHER_ACCOUNT,
  OTHER_REGION,
  refusal,
  SCOPE,
} from './records.js';

export function aliasContract(subject: Subject): void {
  describe('aliases', () => {
    test('come back as they went in; a name is free in other scopes', async () => {
      const { store } = subject;
      const key = await insertKey(store);
      const alias = aliasRecord(key, 'alias/app/main');
      await store.insertAlias(alias, 50);
      expect(await store.getAlias(SCOPE, alias.name)).toEqual(alias);
      expect(await store.getAlias(OTHER_REGION, alias.name)).toBeUndefined();
      expect(await refusal(store.insertAlias(alias, 50))).toBe('CONFLICT');
      const theirs = await insertKey(store, OTHER_ACCOUNT);
      await store.insertAlias(aliasRecord(theirs, alias.name), 50);
      expect(await store.getAlias(SCOPE, alias.name)).toEqual(alias);
    });

    test('the target must be there, in the same account and region', async () => {
      const { store } = subject;
      expect(await refusal(store.insertAlias(aliasRecord(keyRecord(), 'alias/a'), 50))).toBe(
        'NOT_FOUND',
      );
      const key = await insertKey(store);
      const wrong = { ...aliasRecord(key, 'alias/a'), ...OTHER_ACCOUNT };
      expect(await refusal(store.insertAlias(wrong, 50))).toBe('NOT_FOUND');
      expect(await store.getAlias(OTHER_ACCOUNT, 'alias/a')).toBeUndefined();
    });

    test('the bound of aliases per key holds for insert and for update', async () => {
      const { store } = subject;
      const [key, other] = [await insertKey(store), await insertKey(store)];
      for (const name of ['alias/1', 'alias/2']) await store.insertAlias(aliasRecord(key, name), 2);
      expect(await refusal(store.insertAlias(aliasRecord(key, 'alias/3'), 2))).toBe('LIMIT');
      await store.insertAlias(aliasRecord(other, 'alias/3'), 2);
      expect(await refusal(store.updateAlias(SCOPE, 'alias/3', key.keyId, NOW, 2))).toBe('LIMIT');
      expect((await store.getAlias(SCOPE, 'alias/3'))!.targetKeyId).toBe(other.keyId);
      // One that points there already takes no more room.
      await store.updateAlias(SCOPE, 'alias/1', key.keyId, NOW + 1, 2);
      await store.deleteAlias(SCOPE, 'alias/2');
      await store.updateAlias(SCOPE, 'alias/3', key.keyId, NOW + 2, 2);
      const page = await store.listAliases(SCOPE, key.keyId, 10, undefined);
      expect(page.items.map((alias) => alias.name)).toEqual(['alias/1', 'alias/3']);
    });

    test('a conflict is told before the bound', async () => {
      const { store } = subject;
      const key = await insertKey(store);
      await store.insertAlias(aliasRecord(key, 'alias/1'), 1);
      expect(await refusal(store.insertAlias(aliasRecord(key, 'alias/1'), 1))).toBe('CONFLICT');
    });

    test('an update moves the alias and keeps its creation', async () => {
      const { store } = subject;
      const [key, other] = [await insertKey(store), await insertKey(store)];
      const alias = aliasRecord(key, 'alias/a');
      await store.insertAlias(alias, 50);
      await store.updateAlias(SCOPE, 'alias/a', other.keyId, NOW + 5, 50);
      expect(await store.getAlias(SCOPE, 'alias/a')).toEqual({
        ...alias,
        targetKeyId: other.keyId,
        updatedAt: NOW + 5,
      });
      expect(await refusal(store.updateAlias(SCOPE, 'alias/b', key.keyId, NOW, 50))).toBe(
        'NOT_FOUND',
      );
      expect(await refusal(store.updateAlias(SCOPE, 'alias/a', 'absent', NOW, 50))).toBe(
        'NOT_FOUND',
      );
    });

    test('deletion frees the name, once', async () => {
      const { store } = subject;
      const key = await insertKey(store);
      await store.insertAlias(aliasRecord(key, 'alias/a'), 50);
      await store.deleteAlias(SCOPE, 'alias/a');
      expect(await store.getAlias(SCOPE, 'alias/a')).toBeUndefined();
      expect(await refusal(store.deleteAlias(SCOPE, 'alias/a'))).toBe('NOT_FOUND');
      await store.insertAlias(aliasRecord(key, 'alias/a'), 50);
    });

    test('pages are ordered by name, whole or of one key', async () => {
      const { store } = subject;
      const [key, other] = [await insertKey(store), await insertKey(store)];
      const names = ['alias/b', 'alias/B', 'alias/a/x', 'alias/a-x', 'alias/a_x', 'alias/a'];
      for (const name of names) await store.insertAlias(aliasRecord(key, name), 50);
      await store.insertAlias(aliasRecord(other, 'alias/aa'), 50);
      const list = async (keyId: string | undefined, limit: number) => {
        const seen: string[] = [];
        let after: string | undefined;
        do {
          const page = await store.listAliases(SCOPE, keyId, limit, after);
          seen.push(...page.items.map((alias) => alias.name));
          after = page.next;
          expect(page.items.length).toBe(after === undefined ? page.items.length : limit);
        } while (after !== undefined);
        return seen;
      };
      for (const limit of [1, 2, 3, 6, 7, 8]) {
        // By bytes: capitals first, '-' before '/' before '_' before letters.
        expect(await list(undefined, limit)).toEqual([...names, 'alias/aa'].sort());
        expect(await list(key.keyId, limit)).toEqual([...names].sort());
        expect(await list(other.keyId, limit)).toEqual(['alias/aa']);
        expect(await list('absent', limit)).toEqual([]);
      }
    });
  });
}
