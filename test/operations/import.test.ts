/** GetParametersForImport, ImportKeyMaterial, DeleteImportedKeyMaterial: what a client sees. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/core/clock.js';
import { KEY_SPECS, keySpecRow } from '../../src/specs/key-specs.js';
import {
  isImportable,
  mayWrap,
  WRAPPING_ALGORITHMS,
  WRAPPING_KEY_SPECS,
} from '../../src/specs/wrapping.js';
import { encryptMaterial } from '../engine/import-material.js';
import { startServer, type TestServer } from '../harness.js';
import { SPECS_HERE, WRAPPING_KEY_SPECS_HERE } from '../specs-of-regions.js';
import { makeExternalKey, makeKey, mustCall } from './named-keys.js';

const YEAR_S = 365 * 86_400;
const WRAPPING = { WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' };
const FOREVER = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' };

let server: TestServer;
let clock: ManualClock;
beforeAll(async () => {
  clock = new ManualClock(Date.now());
  server = await startServer({ quota: 'off', clock });
});
afterAll(() => server.stop());

const arnOf = (keyId: string) => `arn:aws:kms:${server.region}:${server.account}:key/${keyId}`;

async function external(KeySpec = 'SYMMETRIC_DEFAULT', KeyUsage = 'ENCRYPT_DECRYPT') {
  const made = await mustCall(server, 'CreateKey', { KeySpec, KeyUsage, Origin: 'EXTERNAL' });
  return made.KeyMetadata.KeyId as string;
}

/** Members of ImportKeyMaterial for material of our choice. */
async function members(KeyId: string, material: Uint8Array) {
  const { ImportToken, PublicKey } = await mustCall(server, 'GetParametersForImport', {
    KeyId,
    ...WRAPPING,
  });
  const encrypted = encryptMaterial(
    Buffer.from(PublicKey, 'base64'),
    WRAPPING.WrappingAlgorithm,
    material,
  );
  return { KeyId, ImportToken, EncryptedKeyMaterial: encrypted.toString('base64') };
}

async function refused(operation: string, body: object, type: string, message?: string | RegExp) {
  const reply = await server.call(operation, body);
  expect([reply.status, reply.json.__type, reply.json.message]).toEqual([
    400,
    type,
    message instanceof RegExp ? expect.stringMatching(message) : message,
  ]);
}

describe('CreateKey with Origin EXTERNAL', () => {
  test('makes a key of one Region or several, without material', async () => {
    for (const MultiRegion of [false, true]) {
      const made = await mustCall(server, 'CreateKey', { Origin: 'EXTERNAL', MultiRegion });
      expect(made.KeyMetadata).toMatchObject({
        Origin: 'EXTERNAL',
        KeyState: 'PendingImport',
        Enabled: false,
        MultiRegion,
      });
      const absent = ['CurrentKeyMaterialId', 'ExpirationModel', 'ValidTo'];
      for (const member of absent) expect(made.KeyMetadata).not.toHaveProperty(member);
    }
  });

  test('is offered for the key specs whose material can come from outside', async () => {
    for (const row of KEY_SPECS) {
      const body = { KeySpec: row.spec, KeyUsage: row.usages[0], Origin: 'EXTERNAL' };
      if (isImportable(row) && SPECS_HERE.includes(row)) await mustCall(server, 'CreateKey', body);
      else {
        await refused('CreateKey', body, 'UnsupportedOperationException', new RegExp(row.spec));
      }
    }
  });

  test('has no public key before the first import', async () => {
    const KeyId = await external('ECC_NIST_P256', 'SIGN_VERIFY');
    const text = `${arnOf(KeyId)} is pending import.`;
    await refused('GetPublicKey', { KeyId }, 'KMSInvalidStateException', text);
  });
});

describe('GetParametersForImport', () => {
  test('offers what can carry material of the key, and nothing else', async () => {
    const algorithms = [...WRAPPING_ALGORITHMS, 'RSAES_PKCS1_V1_5'];
    const keySpecs = WRAPPING_KEY_SPECS;
    for (const spec of ['SYMMETRIC_DEFAULT', 'HMAC_256', 'RSA_2048', 'ECC_NIST_P521'] as const) {
      const KeyId = await external(spec, keySpecRow(spec).usages[0]);
      for (const WrappingAlgorithm of algorithms) {
        for (const WrappingKeySpec of keySpecs) {
          const known =
            WRAPPING_ALGORITHMS.find((one) => one === WrappingAlgorithm) !== undefined &&
            WRAPPING_KEY_SPECS_HERE.includes(WrappingKeySpec);
          const offered =
            known &&
            mayWrap(
              keySpecRow(spec),
              WrappingAlgorithm as (typeof WRAPPING_ALGORITHMS)[number],
              WrappingKeySpec,
            );
          // Making a wrapping key of 4096 bits takes its time, and is done elsewhere.
          if (offered && WrappingKeySpec !== 'RSA_2048') continue;
          const body = { KeyId, WrappingAlgorithm, WrappingKeySpec };
          if (offered) await mustCall(server, 'GetParametersForImport', body);
          else {
            const text = new RegExp(`^WrappingAlgorithm ${WrappingAlgorithm} with .* ${spec}\\.$`);
            await refused('GetParametersForImport', body, 'UnsupportedOperationException', text);
          }
        }
      }
    }
  });

  test('gives another public key and token each time, for 24 hours', async () => {
    const KeyId = await external();
    const ask = () => mustCall(server, 'GetParametersForImport', { KeyId, ...WRAPPING });
    const [first, second] = [await ask(), await ask()];
    expect(first.KeyId).toBe(arnOf(KeyId));
    expect(first.ParametersValidTo).toBe(clock.now() / 1000 + 86_400);
    expect(first.PublicKey).not.toBe(second.PublicKey);
    expect(first.ImportToken).not.toBe(second.ImportToken);
  });

  test.each(['GetParametersForImport', 'ImportKeyMaterial', 'DeleteImportedKeyMaterial'])(
    '%s refuses keys of our own material, and aliases',
    async (operation) => {
      const KeyId = await makeKey(server);
      const body = { ...WRAPPING, ImportToken: 'AAAA', EncryptedKeyMaterial: 'AAAA', ...FOREVER };
      const text = `${arnOf(KeyId)} origin is AWS_KMS which is not valid for this operation.`;
      await refused(operation, { KeyId, ...body }, 'UnsupportedOperationException', text);
      const alias = { KeyId: 'alias/any', ...body };
      expect((await server.call(operation, alias)).json.__type).toBe('NotFoundException');
    },
  );
});

describe('ImportKeyMaterial', () => {
  test('wants an end for what expires, and none for what does not', async () => {
    const KeyId = await external();
    const body = await members(KeyId, randomBytes(32));
    const send = (more: object, text: string | RegExp) =>
      refused('ImportKeyMaterial', { ...body, ...more }, 'ValidationException', text);
    const needed = 'A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES';
    await send({}, needed);
    await send({ ExpirationModel: 'KEY_MATERIAL_EXPIRES' }, needed);
    const now = clock.now() / 1000;
    await send({ ...FOREVER, ValidTo: now + 60 }, /must not be set/);
    await send({ ValidTo: now }, /future/);
    await send({ ValidTo: now - 1 }, /future/);
    await send({ ValidTo: now + YEAR_S + 0.001 }, /365 days/);
    await send(
      { ...FOREVER, ImportType: 'NEW_KEY_MATERIAL', KeyMaterialId: 'ab'.repeat(32) },
      /KeyMaterialId/,
    );
    const ValidTo = now + YEAR_S;
    await mustCall(server, 'ImportKeyMaterial', { ...body, ValidTo });
    const { KeyMetadata } = await mustCall(server, 'DescribeKey', { KeyId });
    expect(KeyMetadata).toMatchObject({
      KeyState: 'Enabled',
      Enabled: true,
      ExpirationModel: 'KEY_MATERIAL_EXPIRES',
      ValidTo,
    });
  });

  test('takes what is said of one of several materials for symmetric keys only', async () => {
    const KeyId = await external('HMAC_256', 'GENERATE_VERIFY_MAC');
    const body = { ...(await members(KeyId, randomBytes(32))), ...FOREVER };
    for (const more of [
      { ImportType: 'NEW_KEY_MATERIAL' },
      { KeyMaterialDescription: 'words' },
      { KeyMaterialId: 'ab'.repeat(32) },
    ]) {
      const text = new RegExp(`^The ${Object.keys(more)[0]} parameter`);
      await refused(
        'ImportKeyMaterial',
        { ...body, ...more },
        'UnsupportedOperationException',
        text,
      );
    }
    const imported = await mustCall(server, 'ImportKeyMaterial', body);
    expect(imported).toEqual({ KeyId: arnOf(KeyId) });
    const deleteBody = { KeyId, KeyMaterialId: 'ab'.repeat(32) };
    await refused('DeleteImportedKeyMaterial', deleteBody, 'UnsupportedOperationException', /Key/);
    expect(await mustCall(server, 'DeleteImportedKeyMaterial', { KeyId })).toEqual({
      KeyId: arnOf(KeyId),
    });
  });

  test('tells a bad wrapping, a bad token and bad material apart', async () => {
    const KeyId = await external();
    const good = { ...(await members(KeyId, randomBytes(32))), ...FOREVER };
    const garbled = Buffer.from(good.EncryptedKeyMaterial, 'base64');
    garbled[17]! ^= 4;
    const bad = { ...good, EncryptedKeyMaterial: garbled.toString('base64') };
    await refused('ImportKeyMaterial', bad, 'InvalidCiphertextException');
    const foreign = { ...good, ImportToken: 'AAAA' };
    await refused('ImportKeyMaterial', foreign, 'InvalidImportTokenException', /token/);
    const short = { ...(await members(KeyId, randomBytes(16))), ...FOREVER };
    await refused('ImportKeyMaterial', short, 'IncorrectKeyMaterialException');
    const { KeyMetadata } = await mustCall(server, 'DescribeKey', { KeyId });
    expect(KeyMetadata.KeyState).toBe('PendingImport');
    const imported = await mustCall(server, 'ImportKeyMaterial', good);
    expect(imported.KeyMaterialId).toMatch(/^[0-9a-f]{64}$/);
  });

  test('keeps the description until another is given', async () => {
    const { external: KeyId, ...sealed } = await makeExternalKey(server);
    const body = {
      KeyId,
      ImportToken: sealed.importToken,
      EncryptedKeyMaterial: sealed.encryptedMaterial,
      ...FOREVER,
    };
    const described = async () => {
      const list = { KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' };
      return (await mustCall(server, 'ListKeyRotations', list)).Rotations[0].KeyMaterialDescription;
    };
    await mustCall(server, 'ImportKeyMaterial', {
      ...body,
      KeyMaterialDescription: 'from vault 7',
    });
    await mustCall(server, 'ImportKeyMaterial', body);
    expect(await described()).toBe('from vault 7');
    await mustCall(server, 'ImportKeyMaterial', { ...body, KeyMaterialDescription: 'vault 8' });
    expect(await described()).toBe('vault 8');
  });
});

test('material ends on its date, and the audit log tells of it, without any secret', async () => {
  const KeyId = await external();
  const material = randomBytes(32);
  const body = await members(KeyId, material);
  // Within what signatures of the client's own clock allow.
  const ValidTo = clock.now() / 1000 + 60;
  const { KeyMaterialId } = await mustCall(server, 'ImportKeyMaterial', { ...body, ValidTo });
  clock.advance(60_000);
  await server.runDueWork();
  const { KeyMetadata } = await mustCall(server, 'DescribeKey', { KeyId });
  expect(KeyMetadata.KeyState).toBe('PendingImport');
  const records = server
    .auditLines()
    .map((line) => JSON.parse(line))
    .filter((record) => JSON.stringify(record).includes(KeyId));
  const of = (name: string) => records.find((record) => record.eventName === name);
  expect(of('GetParametersForImport')).toMatchObject({
    readOnly: true,
    requestParameters: {
      keyId: KeyId,
      wrappingAlgorithm: 'RSAES_OAEP_SHA_256',
      wrappingKeySpec: 'RSA_2048',
    },
    responseElements: null,
  });
  expect(of('ImportKeyMaterial')).toMatchObject({
    readOnly: false,
    requestParameters: { keyId: KeyId, expirationModel: 'KEY_MATERIAL_EXPIRES' },
    responseElements: { keyId: arnOf(KeyId), keyMaterialId: KeyMaterialId },
  });
  expect(of('ImportKeyMaterial').requestParameters.validTo).toMatch(/^[A-Z][a-z]{2} \d+, \d{4}, /);
  expect(of('DeleteExpiredKeyMaterial')).toMatchObject({
    eventType: 'AwsServiceEvent',
    serviceEventDetails: { keyId: KeyId, keyMaterialId: KeyMaterialId },
    resources: [{ ARN: arnOf(KeyId) }],
  });
  const all = server.auditLines().join('\n');
  const secrets = [body.ImportToken, body.EncryptedKeyMaterial, material.toString('base64')];
  for (const secret of secrets) expect(all.includes(secret.slice(0, 24))).toBe(false);
});
