/** The store's contract: several instances on one database. */
import { describe, expect, test } from 'vitest';
import type { Subject } from './contract.js';
import { aliasRecord, insertKey, keyRecord, listen, refusal, SCOPE, until } from './records.js';

const INSTANCES_RUN = 40;

export function concurrencyContract(subject: Subject): void {
  describe('several instances', () => {
    test('each sees at once what another has acknowledged', async () => {
      const other = await subject.another();
      const key = await insertKey(subject.store);
      expect(await other.getKey(SCOPE, key.keyId)).toEqual(key);
      const changed = await other.updateKey(key, { state: 'Disabled' });
      expect(await subject.store.getKey(SCOPE, key.keyId)).toEqual(changed);
      expect(await refusal(subject.store.updateKey(key, {}))).toBe('CONFLICT');
    });

    test('of changes that expect one version, one is made', async () => {
      const stores = [subject.store, await subject.another()];
      const key = await insertKey(subject.store);
      for (let version = 1; version <= INSTANCES_RUN; version += 1) {
        const ended = await Promise.allSettled(
          [...stores, ...stores].map((store, i) =>
            store.updateKey({ ...key, version }, { description: `${version} by ${i}` }),
          ),
        );
        const made = ended.filter((end) => end.status === 'fulfilled');
        expect(made).toHaveLength(1);
        for (const end of ended) {
          if (end.status === 'rejected') expect(end.reason.code).toBe('CONFLICT');
        }
        expect(await stores[1]!.getKey(SCOPE, key.keyId)).toEqual(made[0]!.value);
      }
    });

    test('one of several inserts of a name wins; the alias bound is never passed', async () => {
      const stores = [subject.store, await subject.another()];
      const key = await insertKey(subject.store);
      const names = Array.from({ length: 20 }, (_, i) => `alias/${i}`);
      const ended = await Promise.allSettled(
        names.flatMap((name) =>
          stores.map((store) => store.insertAlias(aliasRecord(key, name), 7)),
        ),
      );
      const codes = ended.map((end) => (end.status === 'fulfilled' ? 'made' : end.reason.code));
      expect(codes.filter((code) => code === 'made')).toHaveLength(7);
      expect(new Set(codes)).toEqual(new Set(['made', 'CONFLICT', 'LIMIT']));
      const page = await subject.store.listAliases(SCOPE, key.keyId, 100, undefined);
      expect(page.items).toHaveLength(7);
    });

    test('changes of all instances reach each, all and in one order', async () => {
      const stores = [subject.store, await subject.another(), await subject.another()];
      const heard = stores.map(listen);
      const keys = Array.from({ length: 90 }, () => keyRecord());
      await Promise.all(keys.map((key, i) => stores[i % 3]!.insertKey(key, undefined)));
      await until('all is heard', () => heard.every(({ lines }) => lines.length >= keys.length));
      const expected = heard[0]!.changes.map((change) => change.sequence);
      expect(expected).toEqual([...expected].sort((a, b) => a - b));
      for (const { changes, lines } of heard) {
        expect(changes.map((change) => change.sequence)).toEqual(expected);
        expect([...lines].sort()).toEqual(keys.map((key) => `key ${key.keyId}`).sort());
      }
    });

    test('a change is heard by the next instance within a second', async () => {
      const other = await subject.another();
      const heard = listen(other);
      const key = await insertKey(subject.store);
      // Ten times the promise, so that only a feed that does not work fails on a busy machine.
      await until('the change is heard', () => heard.lines.length > 0, 10_000);
      expect(heard.lines).toEqual([`key ${key.keyId}`]);
    });

    test('one that opens later finds what was there, and hears only what comes', async () => {
      const key = await insertKey(subject.store);
      await subject.store.close();
      const later = await subject.another();
      const heard = listen(later);
      expect(await later.getKey(SCOPE, key.keyId)).toEqual(key);
      const next = await insertKey(later);
      expect(heard.lines).toEqual([`key ${next.keyId}`]);
    });
  });
}
