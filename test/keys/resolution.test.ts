/** How requests name keys, and what they are told when they cannot. Source: AWS KMS, recorded. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isKmsError } from '../../src/core/errors.js';
import type { Key } from '../../src/keys/key.js';
import { ACCOUNT, blobInput, CALLER, caller, openRig, REGION, type Rig } from './rig.js';

const OTHER = '444455556666';
const ABSENT = '00000000-1111-4222-8333-444444444444';
const ROOT = `arn:aws:kms:${REGION}:${ACCOUNT}:`;

let rig: Rig;
let key: Key;
let foreign: Key;

beforeAll(async () => {
  rig = await openRig();
  key = await rig.create();
  foreign = await rig.create('SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', caller(OTHER, REGION));
  await rig.service.createAlias(CALLER, 'alias/mine', key);
});
afterAll(() => rig.close());

async function refusal(id: string, aliases = true, permission = 'kms:Encrypt') {
  try {
    await rig.resolve({ id, aliases, permission });
  } catch (error) {
    if (isKmsError(error)) return [error.code, error.message];
    throw error;
  }
  return ['found'];
}

// Twice: from the store and from the cache; with a permission that reads the store every time.
describe.each(['kms:Encrypt', 'kms:Encrypt', 'kms:DescribeKey'])('found: %s', (permission) => {
  test('by id and ARN, of the key and of its alias', async () => {
    for (const id of [key.record.keyId, key.arn]) {
      const found = await rig.resolve({ id, permission });
      expect([found.arn, found.requestAlias]).toEqual([key.arn, undefined]);
    }
    for (const id of ['alias/mine', `${ROOT}alias/mine`]) {
      const found = await rig.resolve({ id, permission });
      expect([found.arn, found.requestAlias]).toEqual([key.arn, 'alias/mine']);
    }
  });
});

test('bare ids and names mean the own account and the Region of the request', async () => {
  const owner = caller(OTHER, REGION);
  const id = foreign.record.keyId;
  expect((await rig.resolve({ id }, owner)).arn).toBe(foreign.arn);
  expect(await refusal(id)).toEqual(['NotFoundException', `Key '${ROOT}key/${id}' does not exist`]);
  const elsewhere = rig.resolve({ id: key.record.keyId }, caller(ACCOUNT, 'eu-north-1'));
  await expect(elsewhere).rejects.toMatchObject({
    code: 'NotFoundException',
    message: `Key 'arn:aws:kms:eu-north-1:${ACCOUNT}:key/${key.record.keyId}' does not exist`,
  });
});

describe('not found', () => {
  const absent: [string, string, string][] = [
    [ABSENT, 'NotFoundException', `Key '${ROOT}key/${ABSENT}' does not exist`],
    [`${ROOT}key/${ABSENT}`, 'NotFoundException', `Key '${ROOT}key/${ABSENT}' does not exist`],
    ['alias/none', 'NotFoundException', `Alias ${ROOT}alias/none is not found.`],
    [`${ROOT}alias/none`, 'NotFoundException', `Alias ${ROOT}alias/none is not found.`],
    ['none', 'NotFoundException', "Invalid keyId 'none'"],
    ['', 'NotFoundException', "Invalid keyId ''"],
    ['mrk-12', 'NotFoundException', "Invalid keyId 'mrk-12'"],
    [
      `mrk-${'0'.repeat(32)}`,
      'NotFoundException',
      `Key '${ROOT}key/mrk-${'0'.repeat(32)}' does not exist`,
    ],
    ['0'.repeat(32), 'NotFoundException', `Invalid keyId '${'0'.repeat(32)}'`],
    [
      ABSENT.replace('4222', 'F222'),
      'NotFoundException',
      `Invalid keyId '${ABSENT.replace('4222', 'F222')}'`,
    ],
    [`${ROOT}key/none`, 'NotFoundException', `Invalid keyId '${ROOT}key/none'`],
    [
      `arn:aws:kms:eu-north-9:${ACCOUNT}:key/${ABSENT}`,
      'NotFoundException',
      'Invalid arn eu-north-9',
    ],
    [`arn:aws:kms:eu-north-9:${OTHER}:alias/x`, 'NotFoundException', 'Invalid arn eu-north-9'],
    [
      `arn:aws-cn:kms:${REGION}:${ACCOUNT}:key/${ABSENT}`,
      'InvalidArnException',
      `Invalid arn arn:aws-cn:kms:${REGION}:${ACCOUNT}:key/${ABSENT}`,
    ],
    ['arn:aws:s3:::bucket', 'InvalidArnException', 'Invalid arn arn:aws:s3:::bucket'],
    [`${ROOT}grant/x`, 'InvalidArnException', `Invalid arn ${ROOT}grant/x`],
  ];
  test.each(absent)('%s', async (id, code, message) => {
    expect(await refusal(id)).toEqual([code, message]);
    expect(await refusal(id, true, 'kms:DescribeKey')).toEqual([code, message]);
  });

  test('an alias where only a key may stand', async () => {
    for (const id of ['alias/mine', `${ROOT}alias/mine`]) {
      for (const permission of ['kms:Encrypt', 'kms:DisableKey']) {
        expect(await refusal(id, false, permission)).toEqual([
          'NotFoundException',
          `Invalid keyId '${id}'`,
        ]);
      }
    }
  });
});

describe('other accounts', () => {
  const text = (permission: string, resource: string) =>
    `User: ${CALLER.arn} is not authorized to perform: ${permission} on resource: ${resource} ` +
    `because no resource-based policy allows the ${permission} action`;

  test('a key of another account answers the same, there or not', async () => {
    const absent = `arn:aws:kms:${REGION}:${OTHER}:key/${ABSENT}`;
    for (const arn of [foreign.arn, absent, `arn:aws:kms:${REGION}:${OTHER}:alias/x`]) {
      for (const permission of ['kms:Sign', 'kms:ReEncryptTo', 'kms:EnableKey']) {
        expect(await refusal(arn, true, permission)).toEqual([
          'AccessDeniedException',
          text(permission, arn),
        ]);
      }
    }
  });

  test('one account never finds what another has cached', async () => {
    const owner = caller(OTHER, REGION);
    await rig.service.createAlias(owner, 'alias/theirs', foreign);
    await rig.resolve({ id: foreign.arn }, owner);
    await rig.resolve({ id: 'alias/theirs' }, owner);
    expect((await refusal(foreign.arn))[0]).toBe('AccessDeniedException');
    expect((await refusal('alias/theirs'))[0]).toBe('NotFoundException');
    expect((await refusal(foreign.record.keyId))[0]).toBe('NotFoundException');
  });

  test('a ciphertext of another account is denied, loaded or not', async () => {
    const owner = caller(OTHER, REGION);
    const blob = await rig.service.encrypt(foreign, Buffer.from('theirs'), undefined);

    const lookup = { ciphertext: blobInput(blob), permission: 'kms:ReEncryptFrom' };
    expect((await rig.resolve(lookup, owner)).arn).toBe(foreign.arn);
    await expect(rig.resolve(lookup)).rejects.toMatchObject({
      code: 'AccessDeniedException',
      message: expect.stringContaining(
        `User: ${CALLER.arn} is not authorized to perform: kms:ReEncryptFrom on the resource ` +
          'associated with this ciphertext because the resource does not exist in this Region',
      ),
    });
    const elsewhere = rig.resolve(lookup, caller(OTHER, 'eu-north-1'));
    await expect(elsewhere).rejects.toMatchObject({ code: 'AccessDeniedException' });
  });
});
