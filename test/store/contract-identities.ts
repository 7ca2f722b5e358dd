/** The store's contract: deployment facts, domain keys, principals, access keys, life cycle. */
import { expect, test } from 'vitest';
import type { StoredAccessKey } from '../../src/core/records.js';
import type { Subject } from './contract.js';
import {
  ALL_BYTES,
  accessKeyRecord,
  insertKey,
  NOW,
  principalRecord,
  refusal,
  SCOPE,
  UNICODE,
} from './records.js';

const plain = (key: StoredAccessKey) => ({ ...key, wrappedSecret: [...key.wrappedSecret] });

export function identityContract(subject: Subject): void {
  test('a deployment fact is set once', async () => {
    const { store } = subject;
    expect(await store.getMeta('region')).toBeUndefined();
    await store.insertMeta('region', UNICODE);
    expect(await refusal(store.insertMeta('region', 'other'))).toBe('CONFLICT');
    expect(await store.getMeta('region')).toBe(UNICODE);
  });

  test('domain keys get ascending ids and keep their bytes', async () => {
    const { store } = subject;
    expect(await store.listDomainKeys()).toEqual([]);
    const first = await store.insertDomainKey('eu-central-1', ALL_BYTES, NOW);
    const second = await store.insertDomainKey('us-east-1', Uint8Array.of(0), NOW + 1);
    expect(second.id).toBeGreaterThan(first.id);
    const all = (await store.listDomainKeys()).map((key) => ({
      ...key,
      wrapped: [...key.wrapped],
    }));
    expect(all).toEqual([
      { id: first.id, region: 'eu-central-1', wrapped: [...ALL_BYTES], createdAt: NOW },
      { id: second.id, region: 'us-east-1', wrapped: [0], createdAt: NOW + 1 },
    ]);
  });

  test('principals are made once, found by ARN and listed in its order', async () => {
    const { store } = subject;
    const names = ['carol', 'alice', 'Bob'];
    for (const name of names) await store.insertPrincipal(principalRecord(name));
    expect(await refusal(store.insertPrincipal(principalRecord('alice')))).toBe('CONFLICT');
    const alice = principalRecord('alice');
    expect(await store.getPrincipal(alice.arn)).toEqual(alice);
    expect(await store.getPrincipal('arn:aws:iam::1:user/x')).toBeUndefined();
    const first = await store.listPrincipals(2, undefined);
    expect(first.items.map((principal) => principal.name)).toEqual(['Bob', 'alice']);
    const rest = await store.listPrincipals(2, first.next);
    expect(rest.items.map((principal) => principal.name)).toEqual(['carol']);
    expect(rest.next).toBeUndefined();
  });

  test('access keys come back as they went in, are listed, and are switched', async () => {
    const { store } = subject;
    const domain = await store.insertDomainKey(SCOPE.region, ALL_BYTES, NOW);
    const [alice, bob] = [principalRecord('alice'), principalRecord('bob')];
    for (const principal of [alice, bob]) await store.insertPrincipal(principal);
    const lasting = accessKeyRecord(alice, domain.id);
    const temporary = accessKeyRecord(alice, domain.id, {
      accessKeyId: 'ASIAEXAMPLE000000001',
      active: false,
      sessionTokenSha256: '0f'.repeat(32),
      expiresAt: NOW + 3_600_000,
    });
    for (const key of [temporary, lasting]) await store.insertAccessKey(key);
    expect(plain((await store.getAccessKey(lasting.accessKeyId))!)).toEqual(plain(lasting));
    expect(plain((await store.getAccessKey(temporary.accessKeyId))!)).toEqual(plain(temporary));
    expect(await store.getAccessKey('absent')).toBeUndefined();
    const listed = (await store.listAccessKeys(alice.arn)).map((key) => key.accessKeyId);
    expect(listed).toEqual([lasting.accessKeyId, temporary.accessKeyId]);
    expect(await store.listAccessKeys(bob.arn)).toEqual([]);

    await store.setAccessKeyActive(lasting.accessKeyId, false);
    expect((await store.getAccessKey(lasting.accessKeyId))!.active).toBe(false);
    await store.setAccessKeyActive(lasting.accessKeyId, true);
    expect((await store.getAccessKey(lasting.accessKeyId))!.active).toBe(true);
    expect(await refusal(store.setAccessKeyActive('absent', true))).toBe('NOT_FOUND');
  });

  test('an access key needs its principal and its domain key, and a free id', async () => {
    const { store } = subject;
    const domain = await store.insertDomainKey(SCOPE.region, ALL_BYTES, NOW);
    const alice = principalRecord('alice');
    const key = accessKeyRecord(alice, domain.id);
    expect(await refusal(store.insertAccessKey(key))).toBe('NOT_FOUND');
    await store.insertPrincipal(alice);
    expect(await refusal(store.insertAccessKey({ ...key, domainKeyId: 999 }))).toBe('NOT_FOUND');
    await store.insertAccessKey(key);
    expect(await refusal(store.insertAccessKey({ ...key, active: false }))).toBe('CONFLICT');
    expect((await store.getAccessKey(key.accessKeyId))!.active).toBe(true);
  });

  test('a closed store refuses everything, and closing twice is fine', async () => {
    const { store } = subject;
    expect(store.healthy()).toBe(true);
    await insertKey(store);
    await store.close();
    await store.close();
    expect(store.healthy()).toBe(false);
    expect(await refusal(store.getMeta('region'))).toBe('UNAVAILABLE');
    expect(await refusal(store.listKeyIds(SCOPE, 1, undefined))).toBe('UNAVAILABLE');
    expect(await refusal(store.insertMeta('a', 'b'))).toBe('UNAVAILABLE');
    expect(() => store.onChange(() => undefined)).toThrow(/not open/);
  });

  test('closing finishes what was accepted before it', async () => {
    const { store } = subject;
    const made = Promise.all([1, 2, 3].map((i) => store.insertMeta(`name ${i}`, 'value')));
    await store.close();
    await expect(made).resolves.toHaveLength(3);
  });
}
