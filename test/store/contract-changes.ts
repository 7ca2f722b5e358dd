/** The store's contract: the change feed of one instance. */
import { describe, expect, test } from 'vitest';
import type { Subject } from './contract.js';
import {
  ALL_BYTES,
  accessKeyRecord,
  aliasRecord,
  grantRecord,
  insertKey,
  listen,
  NOW,
  principalRecord,
  refusal,
  SCOPE,
} from './records.js';

export function changeContract(subject: Subject): void {
  describe('changes', () => {
    test('each mutation tells what it changed, before it resolves', async () => {
      const { store } = subject;
      const domain = await store.insertDomainKey(SCOPE.region, ALL_BYTES, NOW);
      const heard = listen(store);
      const expected: string[] = [];
      const told = async (work: Promise<unknown>, ...lines: string[]) => {
        await work;
        expected.push(...lines);
        expect(heard.lines).toEqual(expected);
      };
      const key = await insertKey(store);
      expected.push(`key ${key.keyId}`);
      await told(store.updateKey(key, { state: 'Disabled' }), `key ${key.keyId}`);
      await told(store.insertAlias(aliasRecord(key, 'alias/a'), 50), 'alias alias/a');
      await told(store.updateAlias(SCOPE, 'alias/a', key.keyId, NOW, 50), 'alias alias/a');
      await told(store.insertAlias(aliasRecord(key, 'alias/b'), 50), 'alias alias/b');
      await told(store.deleteAlias(SCOPE, 'alias/b'), 'alias alias/b');
      const [kept, gone] = [grantRecord(key), grantRecord(key)];
      await told(store.insertGrant(kept, 50), `grant ${key.keyId}`);
      await told(store.insertGrant(gone, 50), `grant ${key.keyId}`);
      await told(store.deleteGrant(SCOPE, key.keyId, gone.grantId), `grant ${key.keyId}`);
      await told(store.deleteKey(SCOPE, key.keyId, 2, NOW), 'alias alias/a', `key ${key.keyId}`);
      const alice = principalRecord('alice');
      await told(store.insertPrincipal(alice), `principal ${alice.arn}`);
      const access = accessKeyRecord(alice, domain.id);
      await told(store.insertAccessKey(access), `access-key ${access.accessKeyId}`);
      await told(
        store.setAccessKeyActive(access.accessKeyId, false),
        `access-key ${access.accessKeyId}`,
      );
      const sequences = heard.changes.map((change) => change.sequence);
      expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
      expect(new Set(sequences).size).toBe(sequences.length);
      expect(heard.changes[0]).toMatchObject({ ...SCOPE, kind: 'key', id: key.keyId });
      expect(heard.changes.at(-1)).toMatchObject({ account: SCOPE.account, region: '' });
    });

    test('what is refused changes nothing and tells nothing', async () => {
      const { store } = subject;
      const key = await insertKey(store);
      const heard = listen(store);
      await refusal(store.insertKey(key, undefined));
      await refusal(store.updateKey({ ...key, version: 9 }, {}));
      await refusal(store.deleteKey(SCOPE, key.keyId, 9, NOW));
      await refusal(store.deleteAlias(SCOPE, 'alias/a'));
      await refusal(store.insertGrant(grantRecord(key), 0));
      await refusal(store.deleteGrant(SCOPE, key.keyId, 'absent'));
      await store.insertMeta('marks', 'the end');
      expect(heard.lines).toEqual([]);
    });

    test('a listener hears from its start to its end, and no other is disturbed', async () => {
      const { store } = subject;
      await insertKey(store, { keyId: 'before' });
      const [first, second] = [listen(store), listen(store)];
      await insertKey(store, { keyId: 'during' });
      first.stop();
      first.stop();
      await insertKey(store, { keyId: 'after' });
      expect(first.lines).toEqual(['key during']);
      expect(second.lines).toEqual(['key during', 'key after']);
      second.stop();
      await insertKey(store, { keyId: 'unheard' });
      const third = listen(store);
      await insertKey(store, { keyId: 'last' });
      expect(third.lines).toEqual(['key last']);
    });
  });
}
