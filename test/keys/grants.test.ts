/**
 * Grants in the domain: who may retire them, tokens, and the lookup that authorization will ask,
 * which answers without the store and never with what was overtaken by a change.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { GrantOperation } from '../../src/core/records.js';
import type { Key } from '../../src/keys/key.js';
import { ResolvedKey } from '../../src/keys/resolved-key.js';
import type { GrantRequest } from '../../src/keys/service.js';
import { keySpecRow } from '../../src/specs/key-specs.js';
import type { Store } from '../../src/store/port.js';
import { keyRecord, until } from '../store/records.js';
import { ACCOUNT, CALLER, caller, openRig, overridden, REGION, type Rig } from './rig.js';

const OTHER = '444455556666';
const BOB = caller(OTHER, REGION);
const ALICE = `arn:aws:iam::${ACCOUNT}:user/alice`;

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
});
afterAll(() => rig.close());

function request(fields: Partial<GrantRequest> = {}): GrantRequest {
  return {
    name: undefined,
    granteePrincipal: ALICE,
    retiringPrincipal: undefined,
    operations: ['Decrypt'],
    constraints: undefined,
    ...fields,
  };
}

/** All that retiring needs, as the operation does it. */
async function retire(by: typeof CALLER, lookup: object, grantId?: string, at = rig) {
  const key = await at.service.resolve(by, {
    aliases: false,
    permission: 'kms:RetireGrant',
    ...lookup,
  });
  const grant = await at.service.retirableGrant(by, key, key.requestGrantId ?? grantId!);
  await at.service.deleteGrant(key, grant);
}

describe('who may retire', () => {
  const denied = { code: 'AccessDeniedException' };
  const root = `arn:aws:iam::${OTHER}:root`;
  const cases: readonly (readonly [string, Partial<GrantRequest>, boolean])[] = [
    ['the retiring principal', { retiringPrincipal: BOB.arn }, true],
    ['its account', { retiringPrincipal: root }, true],
    [
      'a grantee to whom it is granted',
      {
        granteePrincipal: BOB.arn,
        operations: ['Decrypt', 'RetireGrant'],
      },
      true,
    ],
    ['a grantee to whom it is not', { granteePrincipal: BOB.arn }, false],
    ['a stranger', { operations: ['Decrypt', 'RetireGrant'] }, false],
    ['a namesake', { retiringPrincipal: `${BOB.arn}2` }, false],
  ];
  test.each(cases)('%s, on a key of another account', async (_name, fields, may) => {
    const key = await rig.create();
    const { grantId, grantToken } = await rig.service.createGrant(CALLER, key, request(fields));
    const byId = () => retire(BOB, { id: key.arn, anyAccount: true }, grantId);
    const byToken = () => retire(BOB, { grantToken });
    if (!may) {
      await expect(byId()).rejects.toMatchObject(denied);
      await expect(byToken()).rejects.toMatchObject(denied);
      await retire(CALLER, { grantToken });
      return;
    }
    await byId();
    const again = await rig.service.createGrant(CALLER, key, request(fields));
    await retire(BOB, { grantToken: again.grantToken });
    expect(
      await rig.store.countGrants({ account: ACCOUNT, region: REGION }, key.record.keyId),
    ).toBe(0);
  });

  test('the account that made it, whoever acts for it', async () => {
    const key = await rig.create();
    const { grantId } = await rig.service.createGrant(BOB, key, request());
    await expect(retire(CALLER, { id: key.arn, anyAccount: true }, grantId)).rejects.toMatchObject(
      denied,
    );
    const colleague = { ...BOB, arn: `arn:aws:iam::${OTHER}:role/other` };
    await retire(colleague, { id: key.arn, anyAccount: true }, grantId);
  });

  test('nothing is learnt of keys and grants of others', async () => {
    const key = await rig.create();
    const absent = key.arn.replace(key.record.keyId, '00000000-1111-4222-8333-444444444444');
    for (const id of [key.arn, absent]) {
      const attempt = retire(BOB, { id, anyAccount: true }, 'ab'.repeat(32));
      await expect(attempt).rejects.toMatchObject({
        ...denied,
        message: expect.stringContaining(`kms:RetireGrant on resource: ${id}`),
      });
    }
    const foreign = key.arn.replace(REGION, 'us-east-1');
    await expect(retire(BOB, { id: foreign, anyAccount: true })).rejects.toMatchObject({
      code: 'NotFoundException',
      message: 'Invalid arn us-east-1',
    });
  });
});

describe('tokens', () => {
  const invalid = { code: 'InvalidGrantTokenException' };

  test('say which grant, to every process of the deployment, in its Region', async () => {
    const key = await rig.create();
    const { grantId, grantToken } = await rig.service.createGrant(CALLER, key, request());
    const twin = await openRig({ directory: rig.directory });
    const expected = [{ account: ACCOUNT, region: REGION, keyId: key.record.keyId, grantId }];
    for (const one of [rig, twin]) {
      expect(await one.service.readGrantTokens(CALLER, [grantToken])).toEqual(expected);
    }
    const elsewhere = caller(ACCOUNT, 'us-east-1');
    await expect(rig.service.readGrantTokens(elsewhere, [grantToken])).rejects.toMatchObject(
      invalid,
    );
    await twin.close();
  });

  test('of another deployment, cut, lengthened or damaged anywhere are refused', async () => {
    const other = await openRig();
    const foreign = await other.service.createGrant(CALLER, await other.create(), request());
    const { grantToken } = await rig.service.createGrant(CALLER, await rig.create(), request());
    const bytes = Buffer.from(grantToken, 'base64');
    const damaged = Array.from(bytes, (_, i) => {
      const copy = Buffer.from(bytes);
      copy[i]! ^= 1;
      return copy.toString('base64');
    });
    const cut = [0, 1, 81, 82, bytes.length - 1].map((end) => bytes.toString('base64', 0, end));
    const odd = [
      'a',
      '=',
      'alias/x',
      grantToken.toLowerCase(),
      ` ${grantToken}`,
      `${grantToken}AA`,
    ];
    const { nextMarker } = await listTwo();
    for (const token of [foreign.grantToken, nextMarker!, ...damaged, ...cut, ...odd]) {
      await expect(rig.service.readGrantTokens(CALLER, [grantToken, token])).rejects.toMatchObject(
        invalid,
      );
    }
    expect(grantToken.length).toBeLessThanOrEqual(8192);
    await other.close();
  });

  /** A marker is authenticated too, by another key. */
  const listTwo = () => rig.service.listKeys(CALLER, 1, undefined);
});

test('a key and its grants go together', async () => {
  const key = await rig.create();
  const { grantToken } = await rig.service.createGrant(CALLER, key, request());
  expect(await rig.service.grantsOf(key, ALICE)).toHaveLength(1);
  await rig.store.deleteKey({ account: ACCOUNT, region: REGION }, key.record.keyId, 1, 0);
  expect(await rig.service.grantsOf(key, ALICE)).toEqual([]);
  await expect(rig.service.createGrant(CALLER, key, request())).rejects.toMatchObject({
    code: 'NotFoundException',
  });
  await expect(retire(CALLER, { grantToken })).rejects.toMatchObject({
    code: 'NotFoundException',
    message: `Key '${key.arn}' does not exist`,
  });
});

describe('kinds of keys that other tests do not make', () => {
  const kinds: readonly (readonly [string, string, readonly GrantOperation[]])[] = [
    ['rsa', 'ENCRYPT_DECRYPT', ['Encrypt', 'ReEncryptTo', 'GetPublicKey']],
    ['ml-kem', 'ENCAPSULATE_DECAPSULATE', ['Encapsulate', 'Decapsulate', 'GetPublicKey']],
  ];
  test.each(kinds)('%s for %s', (family, keyUsage, operations) => {
    const record = { ...keyRecord(), keyUsage } as Key['record'];
    const spec = { ...keySpecRow('RSA_2048'), family } as Key['spec'];
    const key: Key = { ...ResolvedKey.of(keyRecord()), record, spec };
    rig.service.requireGrantFits(key, [...operations, 'DescribeKey'], undefined);
    const wrong: GrantOperation = 'GenerateDataKey';
    expect(() => rig.service.requireGrantFits(key, [wrong], undefined)).toThrow(
      /\[GenerateDataKey\]/,
    );
    const constraints = { encryptionContextEquals: {} };
    expect(() => rig.service.requireGrantFits(key, operations, constraints)).toThrow(/constraints/);
    rig.service.requireGrantFits(key, operations, { sourceArn: 'arn' });
  });
});

describe('grantsOf', () => {
  /** A rig whose store counts its reads of grants, and can hold them up. */
  async function watched(grantCacheMax?: number) {
    const reads: string[] = [];
    let gate: Promise<void> | undefined;
    const made = await openRig({
      parts: grantCacheMax === undefined ? {} : { grantCacheMax },
      wrapStore: (store: Store) =>
        overridden(store, {
          async countGrants(scope, keyId) {
            reads.push('count');
            return store.countGrants(scope, keyId);
          },
          async listGrants(scope, keyId, grantee, limit, after) {
            reads.push('list');
            const page = await store.listGrants(scope, keyId, grantee, limit, after);
            await gate;
            return page;
          },
        }),
    });
    return {
      rig: made,
      reads,
      hold() {
        let release = (): void => undefined;
        gate = new Promise((resolve) => {
          release = () => {
            gate = undefined;
            resolve();
          };
        });
        return release;
      },
    };
  }

  test('reads once, then answers at once; a change makes it read again', async () => {
    const { rig: own, reads } = await watched();
    const key = await own.create();
    const find = () => own.service.grantsOf(key, ALICE);
    expect(await find()).toEqual([]);
    // Whoever else asks: the key has none at all.
    expect(own.service.grantsOf(key, BOB.arn)).toEqual([]);
    expect(reads).toEqual(['count']);
    const { grantId } = await own.service.createGrant(CALLER, key, request());
    const found = find();
    expect(found).toBeInstanceOf(Promise);
    expect((await found).map((grant) => grant.grantId)).toEqual([grantId]);
    expect(find()).toBe(await found);
    expect(await own.service.grantsOf(key, BOB.arn)).toEqual([]);
    expect(own.service.grantsOf(key, BOB.arn)).toEqual([]);
    const before = reads.length;
    for (let i = 0; i < 5; i += 1) expect(find()).toEqual([...(await found)]);
    expect(reads.length).toBe(before);
    await own.service.deleteGrant(key, (await found)[0]!);
    expect(await find()).toEqual([]);
    expect(own.service.cached().grants).toBe(1);
    await own.close();
  });

  test('many that ask at once share one read', async () => {
    const { rig: own, reads } = await watched();
    const key = await own.create();
    await own.service.createGrant(CALLER, key, request());
    const all = await Promise.all(
      Array.from({ length: 20 }, async () => own.service.grantsOf(key, ALICE)),
    );
    expect(new Set(all).size).toBe(1);
    expect(reads).toEqual(['count', 'list']);
    await own.close();
  });

  test('what was read before a change is not kept after it', async () => {
    const { rig: own, hold } = await watched();
    const key = await own.create();
    const { grantId } = await own.service.createGrant(CALLER, key, request());
    const release = hold();
    const early = own.service.grantsOf(key, ALICE);
    await until('the read began', () => early instanceof Promise);
    const grant = await own.service.getGrant(key, grantId);
    await own.service.deleteGrant(key, grant);
    release();
    await early;
    expect(await own.service.grantsOf(key, ALICE)).toEqual([]);
    await own.close();
  });

  test('a grant to many, and many to one: the bound holds', async () => {
    const { rig: own } = await watched(20);
    const key = await own.create();
    const another = await own.create();
    const grantee = (i: number) => `arn:aws:iam::${ACCOUNT}:user/u${i}`;
    for (let i = 0; i < 30; i += 1) {
      await own.service.createGrant(CALLER, key, request({ granteePrincipal: grantee(i % 10) }));
    }
    for (let i = 0; i < 25; i += 1) await own.service.createGrant(CALLER, another, request());
    for (let round = 0; round < 3; round += 1) {
      for (let i = 0; i < 12; i += 1) {
        const expected = i < 10 ? 3 : 0;
        expect(await own.service.grantsOf(key, grantee(i))).toHaveLength(expected);
        expect(own.service.cached().grants).toBeLessThanOrEqual(20);
      }
      // More than may be kept is given all the same.
      expect(await own.service.grantsOf(another, ALICE)).toHaveLength(25);
      expect(own.service.cached().grants).toBeLessThanOrEqual(20);
    }
    await own.close();
  });

  test('hears of changes of another process', async () => {
    const twin = await openRig({ directory: rig.directory });
    const key = await rig.create();
    expect(await twin.service.grantsOf(key, ALICE)).toEqual([]);
    await rig.service.createGrant(CALLER, key, request());
    const length = () => {
      const found = twin.service.grantsOf(key, ALICE);
      return found instanceof Promise ? -1 : found.length;
    };
    await until('the grant is seen', () => length() === 1);
    const [grant] = await rig.service.grantsOf(key, ALICE);
    await rig.service.deleteGrant(key, grant!);
    await until('the grant is gone', () => length() === 0);
    await twin.close();
  });

  test('a store that fails is told, and asked again', async () => {
    let broken = true;
    const own = await openRig({
      wrapStore: (store) =>
        overridden(store, {
          async countGrants(scope, keyId) {
            if (broken) throw new Error('no disk');
            return store.countGrants(scope, keyId);
          },
        }),
    });
    const key = await own.create();
    await expect(own.service.grantsOf(key, ALICE)).rejects.toMatchObject({
      code: 'KMSInternalException',
    });
    broken = false;
    expect(await own.service.grantsOf(key, ALICE)).toEqual([]);
    await own.close();
  });
});
