import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BlobInput } from '../../src/core/blob.js';
import {
  accountPrincipal,
  aliasArn,
  isKeyId,
  keyArn,
  keyIdBytes,
  keyIdFromBytes,
  newKeyId,
  parseKmsArn,
  partitionOf,
} from '../../src/core/ids.js';
import {
  handleGeneration,
  handleSlot,
  type KeyHandle,
  makeHandle,
} from '../../src/core/key-handle.js';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
console.log(`seed ${seed} (SEED=${seed})`);

describe('key ids', () => {
  test.each([false, true])('a new id is well formed and survives its 16 bytes (mrk %s)', (mrk) => {
    const id = newKeyId(mrk);
    expect(isKeyId(id)).toBe(true);
    expect(keyIdBytes(id)).toHaveLength(16);
    expect(keyIdFromBytes(keyIdBytes(id), mrk)).toBe(id);
  });

  const id = newKeyId(false);
  test.each([
    '',
    'mrk-',
    'MRK-00',
    '1234',
    `${id}0`,
    id.replace(/-/g, ''),
    `mrk-${id}`,
    `A${id.slice(1)}`,
  ])('%j is no key id', (text) => {
    expect(isKeyId(text)).toBe(false);
  });

  test.each([
    ['eu-west-1', 'aws'],
    ['us-west-2', 'aws'],
    ['cn-north-1', 'aws-cn'],
    ['cn-northwest-1', 'aws-cn'],
    ['us-gov-east-1', 'aws-us-gov'],
    ['us-iso-east-1', 'aws-iso'],
    ['us-isob-east-1', 'aws-iso-b'],
    ['eusc-de-east-1', 'aws-eusc'],
  ])('ARNs of %s are of the partition %s', (region, partition) => {
    // Twice: the second answer is remembered.
    for (let time = 0; time < 2; time++) expect(partitionOf(region)).toBe(partition);
    const id = newKeyId(true);
    expect(keyArn(region, '1', id)).toBe(`arn:${partition}:kms:${region}:1:key/${id}`);
    expect(aliasArn(region, '1', 'alias/a')).toBe(`arn:${partition}:kms:${region}:1:alias/a`);
    expect(accountPrincipal(region, '1')).toBe(`arn:${partition}:iam::1:root`);
  });

  test('any number of Regions can be asked for', () => {
    for (let i = 0; i < 1_000; i++) expect(partitionOf(`cn-made-up-${i}`)).toBe('aws-cn');
    expect(partitionOf('us-east-1')).toBe('aws');
  });

  test('ARNs parse to what they were made of', () => {
    const id = newKeyId(false);
    expect(parseKmsArn(keyArn('eu-west-1', '111122223333', id))).toEqual({
      partition: 'aws',
      region: 'eu-west-1',
      account: '111122223333',
      resource: `key/${id}`,
    });
    expect(parseKmsArn('arn:aws:s3:::bucket')).toBeUndefined();
  });
});

describe('key handles', () => {
  test('slot and generation survive', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xffffffff }),
        fc.integer({ min: 1, max: 2 ** 20 - 1 }),
        (slot, generation) => {
          const handle: KeyHandle = makeHandle(slot, generation);
          expect(handleSlot(handle)).toBe(slot);
          expect(handleGeneration(handle)).toBe(generation);
          expect(Number.isSafeInteger(handle)).toBe(true);
        },
      ),
      { seed },
    );
  });
});

describe('blobs', () => {
  test('any bytes survive base64', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const blob = BlobInput.parse(Buffer.from(bytes).toString('base64'));
        expect(blob?.length).toBe(bytes.length);
        expect(Uint8Array.from(blob?.toBuffer() ?? [])).toEqual(bytes);
      }),
      { seed },
    );
  });

  test.each(['a', 'ab', 'abc', 'a===', 'ab=c', 'YW-_', 'YWJj\n'])('%j is refused', (text) => {
    expect(BlobInput.parse(text)).toBeUndefined();
  });
});
