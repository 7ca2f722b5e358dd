/** The ciphertext format: old blobs stay readable, and nothing but an intact blob opens. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isKmsError } from '../../src/core/errors.js';
import { newKeyId } from '../../src/core/ids.js';
import {
  encodeHeader,
  HEADER_BASE64_CHARS,
  HEADER_BYTES,
  headerText,
  parseHeader,
} from '../../src/keys/ciphertext.js';
import type { Key } from '../../src/keys/key.js';
import { backends, seeded } from '../engine/support.js';
import { keyRecord, materialRecord } from '../store/records.js';
import { ACCOUNT, blobInput, CALLER, openRig, REGION, type Rig } from './rig.js';

interface Golden {
  readonly account: string;
  readonly region: string;
  readonly rootKey: string;
  readonly domainKeys: readonly {
    id: number;
    region: string;
    createdAt: number;
    wrapped: string;
  }[];
  readonly keys: readonly {
    readonly keyId: string;
    readonly createdAt: number;
    readonly material: { materialId: string; domainKeyId: number; wrapped: string };
    readonly blobs: readonly {
      readonly plaintext: string;
      readonly context: Readonly<Record<string, string>> | null;
      readonly blob: string;
    }[];
  }[];
}

const golden: Golden = JSON.parse(
  readFileSync(new URL('golden/version-1.json', import.meta.url), 'utf8'),
);

describe.each(backends)('what version 1 wrote, %s backend', (backend) => {
  let rig: Rig;
  let directory: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'keystrel-golden-'));
    const rootKey = Buffer.from(golden.rootKey, 'base64');
    writeFileSync(join(directory, 'root.key'), rootKey, { mode: 0o600 });
    rig = await openRig({ backend, directory });
    for (const row of golden.domainKeys) {
      const wrapped = Buffer.from(row.wrapped, 'base64');
      const put = await rig.store.insertDomainKey(row.region, wrapped, row.createdAt);
      expect(put.id).toBe(row.id);
    }
    for (const { keyId, createdAt, material } of golden.keys) {
      const key = keyRecord({
        account: golden.account,
        region: golden.region,
        keyId,
        multiRegion: keyId.startsWith('mrk-'),
        createdAt,
        currentMaterialId: material.materialId,
      });
      const { domainKeyId, materialId } = material;
      const wrapped = Buffer.from(material.wrapped, 'base64');
      await rig.store.insertKey(
        key,
        materialRecord(key, domainKeyId, { materialId, wrapped, createdAt }),
      );
    }
  });
  afterAll(async () => {
    await rig.close();
    rmSync(directory, { recursive: true });
  });

  const blobs = golden.keys.flatMap(({ keyId, blobs }) => blobs.map((b) => ({ keyId, ...b })));
  test.each(blobs)('opens: $plaintext ($keyId)', async ({ keyId, plaintext, context, blob }) => {
    const ciphertext = blobInput(Buffer.from(blob, 'base64'));
    const key = await rig.resolve({ ciphertext, permission: 'kms:Decrypt' });
    expect(key.record.keyId).toBe(keyId);
    const opened = await rig.service.decrypt(key, ciphertext, context ?? undefined);
    expect(opened.plaintext.toString()).toBe(plaintext);
  });

  test('new blobs of these keys have the same header', async () => {
    for (const { keyId, blobs } of golden.keys) {
      const key = await rig.resolve({ id: keyId });
      const fresh = await rig.service.encrypt(key, Buffer.from('x'), undefined);
      const old = Buffer.from(blobs[0]!.blob, 'base64');
      expect(fresh.subarray(0, HEADER_BYTES)).toEqual(old.subarray(0, HEADER_BYTES));
    }
  });
});

describe('the header', () => {
  test('has its documented layout', () => {
    const materialId = 'ab'.repeat(16) + 'cd'.repeat(16);
    const single = encodeHeader('00112233-4455-4677-8899-aabbccddeeff', materialId);
    const keyId = '00112233445546778899aabbccddeeff';
    expect(single.toString('hex')).toBe(`4b530100${keyId}${'ab'.repeat(16)}`);
    const multi = encodeHeader(`mrk-${keyId}`, materialId);
    expect(multi.toString('hex')).toBe(`4b530101${keyId}${'ab'.repeat(16)}`);
    expect(single.toString('base64')).toHaveLength(HEADER_BASE64_CHARS);
  });

  test('is read back, and nothing else is read', () => {
    const random = seeded();
    for (let i = 0; i < 200; i += 1) {
      const keyId = newKeyId(random.int(2) === 1);
      const materialId = random.bytes(32).toString('hex');
      const header = encodeHeader(keyId, materialId);
      const text = header.toString('base64');
      const read = { keyId, materialPrefix: materialId.slice(0, 32) };
      expect(parseHeader(text)).toEqual(read);
      const foreign = Buffer.from(header);
      foreign[random.int(3)]! ^= 1 << random.int(8);
      expect(parseHeader(foreign.toString('base64'))).toBeUndefined();
      const flags = Buffer.from(header);
      flags[3]! ^= 2 << random.int(7);
      expect(parseHeader(flags.toString('base64'))).toBeUndefined();
      expect(parseHeader(text.slice(0, -1 - random.int(40)))).toBeUndefined();
    }
  });

  test('of a blob that is too short for one is not looked at', () => {
    const blob = Buffer.concat([encodeHeader(newKeyId(false), 'ab'.repeat(32)), Buffer.alloc(44)]);
    expect(headerText(blobInput(blob))).toHaveLength(HEADER_BASE64_CHARS);
    expect(headerText(blobInput(blob.subarray(0, -1)))).toBeUndefined();
  });
});

describe('damage', () => {
  let rig: Rig;
  let key: Key;
  let other: Key;
  let blob: Buffer;
  const context = { tenant: 'blue' };

  beforeAll(async () => {
    rig = await openRig();
    key = await rig.create();
    other = await rig.create();
    blob = await rig.service.encrypt(key, Buffer.from('intact'), context);
  });
  afterAll(() => rig.close());

  /** As Decrypt does: finds the key by the blob, then opens it. */
  async function open(bytes: Uint8Array, by: Record<string, string> | undefined, id?: string) {
    const ciphertext = blobInput(bytes);
    const found = await rig.resolve({ id, ciphertext, permission: 'kms:Decrypt' });
    return rig.service.decrypt(found, ciphertext, by);
  }
  async function refusal(bytes: Uint8Array, by = context, id?: string): Promise<string> {
    try {
      await open(bytes, by, id);
    } catch (error) {
      if (!isKmsError(error)) throw error;
      return `${error.code}:${error.message}`;
    }
    return 'opened';
  }
  const INVALID = 'InvalidCiphertextException:';
  const denied =
    `AccessDeniedException:User: ${CALLER.arn} is not authorized to perform: kms:Decrypt on the ` +
    'resource associated with this ciphertext because the resource does not exist in this ' +
    'Region, no resource-based policies allow access, or a resource-based policy explicitly ' +
    'denies access';

  test('the intact blob opens', async () => {
    expect((await open(blob, context)).plaintext.toString()).toBe('intact');
  });

  test('every flipped bit', async () => {
    for (let bit = 0; bit < blob.length * 8; bit += 1) {
      const copy = Buffer.from(blob);
      copy[bit >> 3]! ^= 1 << (bit & 7);
      const inKeyId = (bit >> 3 >= 4 && bit >> 3 < 20) || bit === 3 * 8;
      expect([bit, await refusal(copy)]).toEqual([bit, inKeyId ? denied : INVALID]);
    }
  });

  test('every flipped bit, with the key named in the request', async () => {
    for (let bit = 0; bit < blob.length * 8; bit += 1) {
      const copy = Buffer.from(blob);
      copy[bit >> 3]! ^= 1 << (bit & 7);
      const inKeyId = (bit >> 3 >= 4 && bit >> 3 < 20) || bit === 3 * 8;
      const got = await refusal(copy, context, key.record.keyId);
      expect([bit, got.split(':')[0]]).toEqual([
        bit,
        inKeyId ? 'IncorrectKeyException' : 'InvalidCiphertextException',
      ]);
    }
  });

  test('every truncation, and bytes too many', async () => {
    for (let length = 0; length < blob.length; length += 1) {
      expect([length, await refusal(blob.subarray(0, length))]).toEqual([length, INVALID]);
    }
    expect(await refusal(Buffer.concat([blob, Buffer.alloc(1)]))).toBe(INVALID);
    expect(await refusal(Buffer.concat([blob, Buffer.alloc(3)]))).toBe(INVALID);
  });

  test('a wrong context, another key, material that the key never had', async () => {
    expect(await refusal(blob, { tenant: 'Blue' })).toBe(INVALID);
    const header = encodeHeader(other.record.keyId, other.record.currentMaterialId!);
    const moved = Buffer.concat([header, blob.subarray(HEADER_BYTES)]);
    expect(await refusal(moved)).toBe(INVALID);
    const foreign = encodeHeader(key.record.keyId, other.record.currentMaterialId!);
    expect(await refusal(Buffer.concat([foreign, blob.subarray(HEADER_BYTES)]))).toBe(INVALID);
    expect(await refusal(blob, context, other.record.keyId)).toBe(
      'IncorrectKeyException:The key ID in the request does not identify a CMK that can perform ' +
        'this operation.',
    );
    // Even when the caller has mixed up the keys itself.
    const direct = async () => rig.service.decrypt(other, blobInput(blob), context);
    await expect(direct()).rejects.toMatchObject({
      code: 'InvalidCiphertextException',
      message: '',
    });
  });

  test('a stored material that was put in the place of another does not load', async () => {
    const keyId = newKeyId(false);
    const [material] = await rig.store.listMaterials(
      { account: ACCOUNT, region: REGION },
      key.record.keyId,
    );
    await rig.store.insertKey({ ...key.record, keyId }, { ...material!, keyId });
    const moved = await rig.resolve({ id: keyId });
    const encrypt = rig.service.encrypt(moved, Buffer.from('x'), undefined);
    await expect(encrypt).rejects.toMatchObject({ code: 'KMSInternalException', message: '' });
  });
});
