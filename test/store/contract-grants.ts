/** The store's contract: grants. */
import { describe, expect, test } from 'vitest';
import type { StoredGrant } from '../../src/core/records.js';
import type { Page, Store } from '../../src/store/port.js';
import type { Subject } from './contract.js';
import {
  grantRecord,
  insertKey,
  keyRecord,
  NOW,
  OTHER_ACCOUNT,
  OTHER_REGION,
  refusal,
  SCOPE,
  UNICODE,
} from './records.js';

const MAX = 50_000;
const ids = (grants: readonly StoredGrant[]) => grants.map((grant) => grant.grantId);

/** All of a list by pages of `limit`; each page but the last is full. */
async function paged(
  limit: number,
  read: (after: string | undefined) => Promise<Page<StoredGrant>>,
): Promise<string[]> {
  const seen: string[] = [];
  let after: string | undefined;
  do {
    const page = await read(after);
    seen.push(...ids(page.items));
    after = page.next;
    expect(page.items.length).toBe(after === undefined ? page.items.length : limit);
  } while (after !== undefined);
  return seen;
}

const ofKey = (store: Store, keyId: string, limit: number, grantee?: string) =>
  paged(limit, (after) => store.listGrants(SCOPE, keyId, grantee, limit, after));

export function grantContract(subject: Subject): void {
  describe('grants', () => {
    test('come back as they went in', async () => {
      const { store } = subject;
      const key = await insertKey(store);
      const grants: StoredGrant[] = [
        grantRecord(key),
        grantRecord(key, {
          name: 'name:with/all_of-it',
          retiringPrincipal: 'arn:aws:iam::444455556666:root',
          operations: ['CreateGrant', 'RetireGrant', 'DescribeKey'],
          constraints: {
            encryptionContextSubset: JSON.parse(
              `{"__proto__":"1","a":"","${'k'.repeat(300)}":"v"}`,
            ),
            sourceArn: 'arn:aws:s3:::111122223333:bucket',
          },
          issuingAccount: '444455556666',
          fingerprint: 'ab'.repeat(32),
        }),
        grantRecord(key, {
          granteePrincipal: 's3.amazonaws.com',
          constraints: { encryptionContextEquals: { [UNICODE]: UNICODE } },
        }),
      ];
      for (const grant of grants) {
        expect(await store.insertGrant(grant, MAX)).toBe(grant.grantId);
        const found = await store.getGrant(SCOPE, key.keyId, grant.grantId);
        expect(found).toEqual(grant);
        expect(JSON.stringify(found!.constraints)).toBe(JSON.stringify(grant.constraints));
        if (grant.fingerprint !== null) continue;
        expect(await refusal(store.insertGrant(grant, MAX))).toBe('CONFLICT');
      }
    });

    test('the key must be there, in the same account and region', async () => {
      const { store } = subject;
      expect(await refusal(store.insertGrant(grantRecord(keyRecord()), MAX))).toBe('NOT_FOUND');
      const key = await insertKey(store);
      for (const other of [OTHER_ACCOUNT, OTHER_REGION]) {
        const wrong = { ...grantRecord(key), ...other };
        expect(await refusal(store.insertGrant(wrong, MAX))).toBe('NOT_FOUND');
        expect(await store.getGrant(other, key.keyId, wrong.grantId)).toBeUndefined();
      }
      expect(await store.countGrants(SCOPE, key.keyId)).toBe(0);
    });

    test('one grant per fingerprint and key; without one any number', async () => {
      const { store } = subject;
      const [key, other] = [await insertKey(store), await insertKey(store)];
      const fingerprint = 'cd'.repeat(32);
      const first = grantRecord(key, { fingerprint });
      await store.insertGrant(first, 1);
      // The bound is for new ones.
      expect(await store.insertGrant(grantRecord(key, { fingerprint }), 1)).toBe(first.grantId);
      expect(await store.findGrant(SCOPE, key.keyId, fingerprint)).toEqual(first);
      expect(await store.findGrant(SCOPE, other.keyId, fingerprint)).toBeUndefined();
      expect(await store.countGrants(SCOPE, key.keyId)).toBe(1);
      const theirs = grantRecord(other, { fingerprint });
      expect(await store.insertGrant(theirs, MAX)).toBe(theirs.grantId);
      for (let i = 0; i < 3; i += 1) await store.insertGrant(grantRecord(key), MAX);
      expect(await store.countGrants(SCOPE, key.keyId)).toBe(4);
      await store.deleteGrant(SCOPE, key.keyId, first.grantId);
      const again = grantRecord(key, { fingerprint });
      expect(await store.insertGrant(again, MAX)).toBe(again.grantId);
    });

    test('many at once with one fingerprint make one grant', async () => {
      const { store } = subject;
      const key = await insertKey(store);
      const fingerprint = 'ef'.repeat(32);
      const made = await Promise.all(
        Array.from({ length: 20 }, () => store.insertGrant(grantRecord(key, { fingerprint }), MAX)),
      );
      expect(new Set(made).size).toBe(1);
      expect(await store.countGrants(SCOPE, key.keyId)).toBe(1);
    });

    test('deletion, once', async () => {
      const { store } = subject;
      const [key, other] = [await insertKey(store), await insertKey(store)];
      const grant = grantRecord(key);
      await store.insertGrant(grant, MAX);
      expect(await refusal(store.deleteGrant(SCOPE, other.keyId, grant.grantId))).toBe('NOT_FOUND');
      await store.deleteGrant(SCOPE, key.keyId, grant.grantId);
      expect(await store.getGrant(SCOPE, key.keyId, grant.grantId)).toBeUndefined();
      expect(await refusal(store.deleteGrant(SCOPE, key.keyId, grant.grantId))).toBe('NOT_FOUND');
      expect(await store.countGrants(SCOPE, key.keyId)).toBe(0);
    });

    test('go with their key', async () => {
      const { store } = subject;
      const [key, other] = [await insertKey(store), await insertKey(store)];
      const grants = [grantRecord(key), grantRecord(key), grantRecord(other)];
      for (const grant of grants) await store.insertGrant(grant, MAX);
      await store.deleteKey(SCOPE, key.keyId, 1, NOW);
      expect(await ofKey(store, key.keyId, 10)).toEqual([]);
      expect(await store.countGrants(SCOPE, key.keyId)).toBe(0);
      expect(await ofKey(store, other.keyId, 10)).toEqual([grants[2]!.grantId]);
    });

    test('pages are ordered by id: of a key, of a grantee, of a retiring principal', async () => {
      const { store } = subject;
      const mine = await insertKey(store);
      const theirs = await insertKey(store, OTHER_ACCOUNT);
      const elsewhere = await insertKey(store, OTHER_REGION);
      const grantee = 'arn:aws:iam::111122223333:role/reader';
      const retiring = 'arn:aws:iam::111122223333:root';
      const all: StoredGrant[] = [];
      for (let i = 0; i < 12; i += 1) {
        for (const key of [mine, theirs, elsewhere]) {
          const grant = grantRecord(key, {
            ...(i % 2 === 0 ? { granteePrincipal: grantee } : {}),
            ...(i % 3 === 0 ? { retiringPrincipal: retiring } : {}),
          });
          await store.insertGrant(grant, MAX);
          all.push(grant);
        }
      }
      const expected = (wanted: (grant: StoredGrant) => boolean) => ids(all.filter(wanted)).sort();
      const ofMine = (grant: StoredGrant) => grant.keyId === mine.keyId;
      const here = (grant: StoredGrant) =>
        grant.region === SCOPE.region && grant.retiringPrincipal === retiring;
      const retirable = (limit: number, account: string | undefined) =>
        paged(limit, (after) =>
          store.listRetirableGrants(SCOPE.region, retiring, account, limit, after),
        );
      for (const limit of [1, 5, 6, 100]) {
        expect(await ofKey(store, mine.keyId, limit)).toEqual(expected(ofMine));
        expect(await ofKey(store, mine.keyId, limit, grantee)).toEqual(
          expected((grant) => ofMine(grant) && grant.granteePrincipal === grantee),
        );
        expect(await ofKey(store, mine.keyId, limit, retiring)).toEqual([]);
        expect(await retirable(limit, undefined)).toEqual(expected(here));
        expect(await retirable(limit, SCOPE.account)).toEqual(
          expected((grant) => here(grant) && grant.account === SCOPE.account),
        );
      }
    });

    test('as many as the bound: one more is refused, pages stay pages', async () => {
      const { store } = subject;
      const key = await insertKey(store);
      const max = 1000;
      await Promise.all(
        Array.from({ length: max }, (_, i) =>
          store.insertGrant(
            grantRecord(key, i % 100 === 0 ? { granteePrincipal: 'rare.amazonaws.com' } : {}),
            max,
          ),
        ),
      );
      expect(await refusal(store.insertGrant(grantRecord(key), max))).toBe('LIMIT');
      expect(await store.countGrants(SCOPE, key.keyId)).toBe(max);
      const seen = await ofKey(store, key.keyId, 100);
      expect(seen).toHaveLength(max);
      expect(seen).toEqual([...new Set(seen)].sort());
      expect(await ofKey(store, key.keyId, 7, 'rare.amazonaws.com')).toHaveLength(max / 100);
      await store.deleteGrant(SCOPE, key.keyId, seen[0]!);
      const last = grantRecord(key);
      expect(await store.insertGrant(last, max)).toBe(last.grantId);
      expect(await refusal(store.insertGrant(grantRecord(key), max))).toBe('LIMIT');
    });
  });
}
