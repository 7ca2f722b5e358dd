/** Access keys: made, found again, shut off; their secrets only ever wrapped. */
import { createHash, createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KeyHandle } from '../../src/core/key-handle.js';
import type { StoredPrincipal } from '../../src/core/records.js';
import { createEngine, type EngineWithFaults } from '../../src/engine/engine.js';
import { createAccessKeys } from '../../src/keys/access-keys.js';
import { createDomainKeys } from '../../src/keys/domain-keys.js';
import { createLocalKeyStore } from '../../src/keystores/local/local-key-store.js';
import { backends } from '../engine/support.js';
import { ACCOUNT, openRig, REGION, type Rig } from './rig.js';

const USER: StoredPrincipal = {
  arn: `arn:aws:iam::${ACCOUNT}:user/admin`,
  account: ACCOUNT,
  kind: 'user',
  name: 'admin',
  createdAt: 0,
};

describe('access keys', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig();
    await rig.store.insertPrincipal(USER);
  });
  afterAll(() => rig.close());

  test('have the form of AWS, and differ', async () => {
    const made = await Promise.all(Array.from({ length: 50 }, () => rig.accessKeys.create(USER)));
    for (const { accessKeyId, secretAccessKey } of made) {
      expect(accessKeyId).toMatch(/^AKIA[A-Z2-7]{16}$/);
      expect(secretAccessKey).toMatch(/^[A-Za-z0-9+/]{40}$/);
    }
    expect(new Set(made.map((key) => key.accessKeyId)).size).toBe(50);
    expect(new Set(made.map((key) => key.secretAccessKey)).size).toBe(50);
  });

  test('are found with their principal, by one read, then without a promise', async () => {
    const { accessKeyId } = await rig.accessKeys.create(USER);
    const [first, second] = await Promise.all([
      rig.accessKeys.find(accessKeyId),
      rig.accessKeys.find(accessKeyId),
    ]);
    expect(second).toBe(first);
    expect(first).toMatchObject({
      accessKeyId,
      account: ACCOUNT,
      principalArn: USER.arn,
      kind: 'user',
      name: 'admin',
      active: true,
      sessionTokenSha256: null,
      expiresAt: null,
    });
    expect(rig.accessKeys.find(accessKeyId)).toBe(first);
  });

  test('that are not there are not found, however they look', async () => {
    for (const id of [
      '',
      'AKIA',
      'akiaabcdefghijklmnop',
      'AKIAABCDEFGHIJKLMN01',
      'x'.repeat(128),
    ]) {
      expect(rig.accessKeys.find(id)).toBeUndefined();
    }
    expect(await rig.accessKeys.find('AKIAABCDEFGHIJKLMNOP')).toBeUndefined();
  });

  test('that are shut off are told so from then on', async () => {
    const { accessKeyId } = await rig.accessKeys.create(USER);
    expect(await rig.accessKeys.find(accessKeyId)).toMatchObject({ active: true });
    await rig.store.setAccessKeyActive(accessKeyId, false);
    expect(await rig.accessKeys.find(accessKeyId)).toMatchObject({ active: false });
    await rig.store.setAccessKeyActive(accessKeyId, true);
    expect(await rig.accessKeys.find(accessKeyId)).toMatchObject({ active: true });
  });

  test('keep their secret to themselves in the store', async () => {
    const { accessKeyId, secretAccessKey } = await rig.accessKeys.create(USER);
    const stored = (await rig.store.getAccessKey(accessKeyId))!;
    expect(Buffer.from(stored.wrappedSecret).includes(secretAccessKey)).toBe(false);
    expect(stored).toMatchObject({ principalArn: USER.arn, active: true, expiresAt: null });
  });

  test('given to another principal in the store do not load', async () => {
    const { accessKeyId } = await rig.accessKeys.create(USER);
    const other = { ...USER, arn: `${USER.arn}2`, name: 'admin2' };
    await rig.store.insertPrincipal(other);
    const stored = (await rig.store.getAccessKey(accessKeyId))!;
    const moved = { ...stored, accessKeyId: 'AKIAAAAAAAAAAAAAAAAA', principalArn: other.arn };
    await rig.store.insertAccessKey(moved);
    const renamed = { ...stored, accessKeyId: 'AKIABBBBBBBBBBBBBBBB' };
    await rig.store.insertAccessKey(renamed);
    for (const id of [moved.accessKeyId, renamed.accessKeyId]) {
      await expect(rig.accessKeys.find(id)).rejects.toMatchObject({
        code: 'KMSInternalException',
        message: '',
      });
    }
  });

  test('need a principal that is there', async () => {
    const create = rig.accessKeys.create({ arn: `arn:aws:iam::${ACCOUNT}:user/nobody` });
    await expect(create).rejects.toMatchObject({ code: 'KMSInternalException' });
  });
});

describe.each(backends)('%s backend', (backend) => {
  let rig: Rig;
  let engine: EngineWithFaults;
  beforeAll(async () => {
    rig = await openRig({ backend });
    await rig.store.insertPrincipal(USER);
    engine = await createEngine({ backend, dispatch: 'inline' });
  });
  afterAll(async () => {
    await engine.close();
    await rig.close();
  });

  /** SigV4 by the book (AWS General Reference, "Signing AWS API requests"). */
  function sign(secret: string, canonical: string, body: Buffer, date: string, scope: string) {
    const hmac = (key: string | Buffer, text: string) =>
      createHmac('sha256', key).update(text).digest();
    const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
    const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${secret}`);
    const request = sha256(`${canonical}${sha256(body)}`);
    return hmac(key, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${request}`).toString('hex');
  }

  test('a secret that was made and found again checks what was signed with it', async () => {
    const { accessKeyId, secretAccessKey } = await rig.accessKeys.create(USER);
    const rootKey: KeyHandle = engine.vault.openFile(`${rig.directory}/root.key`);
    const keyStore = createLocalKeyStore(engine);
    const { store, clock } = rig;
    const domainKeys = createDomainKeys({ store, keyStore, rootKey, clock });
    const found = createAccessKeys({ store, keyStore, domainKeys, clock, cacheMax: 1 });
    const entry = (await found.find(accessKeyId))!;
    const scope = `20260101/${REGION}/kms/aws4_request`;
    const canonical = 'POST\n/\n\nhost:x\n\nhost\n';
    const body = Buffer.from('{}');
    const signature = sign(secretAccessKey, canonical, body, '20260101T000000Z', scope);
    const tail = `${signature}20260101T000000Z\n${scope}\n`;
    expect(await engine.verifySigV4(entry.secret, canonical, body, tail)).toMatchObject({
      ok: true,
    });
    const other = `${'0'.repeat(64)}20260101T000000Z\n${scope}\n`;
    expect(await engine.verifySigV4(entry.secret, canonical, body, other)).toMatchObject({
      ok: false,
    });
    // Evicted by the next one, it still ends the check that has begun.
    const next = await rig.accessKeys.create(USER);
    const check = engine.verifySigV4(entry.secret, canonical, body, tail);
    await found.find(next.accessKeyId);
    expect(await check).toMatchObject({ ok: true });
    expect(await found.find(accessKeyId)).toMatchObject({ accessKeyId });
    found.close();
  });
});
