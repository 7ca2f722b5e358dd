/** Steps of the operations that change nothing of a key, or concern keys of a kind of their own. */
import { constants, createPublicKey, generateKeyPairSync, publicEncrypt } from 'node:crypto';
import fc from 'fast-check';
import { expect } from 'vitest';
import { aliasName, type Command, call, MESSAGE, onKey, type Real } from './commands.js';
import {
  DAY_MS,
  type ImportedKey,
  type Model,
  type ModelKey,
  refusalOf,
  refusalOfUse,
} from './model.js';

const index = fc.nat({ max: 3 });

/** A step that needs no key of the model. */
function free(name: string, run: (model: Model, real: Real) => Promise<void>): Command {
  return {
    check: () => true,
    run: async (model, real) => {
      real.steps += 1;
      await run(model, real);
    },
    toString: () => name,
  };
}

const random = free('GenerateRandom', async (_model, real) => {
  const reply = await call(real, 'GenerateRandom', { NumberOfBytes: 33 }, undefined);
  expect(Buffer.from(reply.Plaintext, 'base64')).toHaveLength(33);
});

/** Keys of all sequences are in one account: the list is walked until one of ours is found. */
const listKeys = free('ListKeys', async (model, real) => {
  const wanted = new Set(model.keys.filter((key) => !key.gone).map((key) => key.id));
  let Marker: string | undefined;
  let last = '';
  do {
    const reply = await call(real, 'ListKeys', { Limit: 1000, Marker }, undefined);
    for (const { KeyId } of reply.Keys) {
      expect(KeyId > last).toBe(true);
      last = KeyId;
      wanted.delete(KeyId);
    }
    Marker = reply.NextMarker;
  } while (Marker !== undefined);
  expect([...wanted]).toEqual([]);
});

async function listPolicies(_model: Model, real: Real, key: ModelKey): Promise<void> {
  const refusal = refusalOf('ListKeyPolicies', key);
  const reply = await call(real, 'ListKeyPolicies', { KeyId: key.id }, refusal);
  if (reply !== undefined) expect(reply.PolicyNames).toEqual(['default']);
}

async function publicKey(_model: Model, real: Real, key: ModelKey): Promise<void> {
  const none = key.spec === 'ECC_NIST_P256' ? undefined : 'UnsupportedOperationException';
  const refusal = refusalOf('GetPublicKey', key) ?? none;
  const reply = await call(real, 'GetPublicKey', { KeyId: key.id }, refusal);
  if (reply !== undefined) expect(Buffer.from(reply.PublicKey, 'base64')).toHaveLength(91);
}

async function lastUsage(_model: Model, real: Real, key: ModelKey): Promise<void> {
  const refusal = refusalOf('GetKeyLastUsage', key);
  const reply = await call(real, 'GetKeyLastUsage', { KeyId: key.id }, refusal);
  if (reply === undefined || key.blobs.length === 0) return;
  expect(reply.KeyLastUsage.Operation).toMatch(/^(Encrypt|Decrypt|ReEncrypt|GenerateDataKey)/);
}

/** Wraps without giving the plaintext; Decrypt gives it. */
function wraps(operation: string): fc.Arbitrary<Command> {
  return index.map((i) =>
    onKey(operation, i, async (_model, real, key) => {
      const refusal = refusalOfUse(operation, key, 'SYMMETRIC_DEFAULT');
      const pair = operation.includes('Pair');
      const spec = pair ? { KeyPairSpec: 'ECC_NIST_P256' } : { KeySpec: 'AES_128' };
      const reply = await call(real, operation, { KeyId: key.id, ...spec }, refusal);
      if (reply === undefined) return;
      const ciphertext = pair ? reply.PrivateKeyCiphertextBlob : reply.CiphertextBlob;
      const opened = await call(real, 'Decrypt', { CiphertextBlob: ciphertext }, undefined);
      if (!pair) expect(Buffer.from(opened.Plaintext, 'base64')).toHaveLength(16);
      const materialId = reply.KeyMaterialId;
      expect(opened.KeyMaterialId).toBe(materialId);
      key.blobs.push({ ciphertext, plaintext: opened.Plaintext, context: {}, materialId });
    }),
  );
}

function updateAlias(i: number, n: number): Command {
  return onKey('UpdateAlias', i, async (model, real, key) => {
    const AliasName = aliasName(model, n);
    const { status, json } = await real.server.call('UpdateAlias', {
      AliasName,
      TargetKeyId: key.id,
    });
    const old = model.aliases.get(AliasName);
    const state = refusalOf('UpdateAlias', key);
    if (state !== undefined || old === undefined) {
      expect(['NotFoundException', state]).toContain(json.__type);
    } else if (model.keys[old]!.spec !== key.spec) {
      expect(json.__type).toBe('ValidationException');
    } else {
      expect(status).toBe(200);
      model.aliases.set(AliasName, model.indexOf(key));
    }
  });
}

/** Grants that the caller may retire, through their tokens. */
function retireGrant(i: number): Command {
  return onKey('RetireGrant', i, async (_model, real, key) => {
    const refusal = refusalOf('CreateGrant', key);
    const { account } = real.server;
    const body = {
      KeyId: key.id,
      GranteePrincipal: `arn:aws:iam::${account}:role/grantee`,
      RetiringPrincipal: `arn:aws:iam::${account}:role/retiring`,
      Operations: ['DescribeKey'],
    };
    const made = await call(real, 'CreateGrant', body, refusal);
    if (made === undefined) return;
    const list = { RetiringPrincipal: body.RetiringPrincipal, Limit: 100 };
    const { Grants } = await call(real, 'ListRetirableGrants', list, undefined);
    const ids = Grants.map((grant: { GrantId: string }) => grant.GrantId);
    expect(ids).toEqual([made.GrantId]);
    await call(real, 'RetireGrant', { GrantToken: made.GrantToken }, undefined);
    const after = await call(real, 'ListRetirableGrants', list, undefined);
    expect(after.Grants).toEqual([]);
  });
}

const agreement = free('DeriveSharedSecret', async (_model, real) => {
  const input = { KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' };
  const { KeyMetadata } = await call(real, 'CreateKey', input, undefined);
  const { KeyId } = KeyMetadata;
  const { PublicKey } = await call(real, 'GetPublicKey', { KeyId }, undefined);
  const body = { KeyId, KeyAgreementAlgorithm: 'ECDH', PublicKey };
  const reply = await call(real, 'DeriveSharedSecret', body, undefined);
  expect(Buffer.from(reply.SharedSecret, 'base64')).toHaveLength(32);
  const { publicKey: foreign } = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
  const spki = foreign.export({ type: 'spki', format: 'der' }).toString('base64');
  await call(real, 'DeriveSharedSecret', { ...body, PublicKey: spki }, 'ValidationException');
});

const encapsulation = free('Encapsulate', async (_model, real) => {
  const input = { KeySpec: 'ML_KEM_512', KeyUsage: 'ENCAPSULATE_DECAPSULATE' };
  const { KeyMetadata } = await call(real, 'CreateKey', input, undefined);
  const body = { KeyId: KeyMetadata.KeyId, EncapsulationAlgorithm: 'ML_KEM' };
  const made = await call(real, 'Encapsulate', body, undefined);
  const { SharedSecretCiphertextBlob } = made;
  const opened = await call(
    real,
    'Decapsulate',
    { ...body, SharedSecretCiphertextBlob },
    undefined,
  );
  expect(opened.SharedSecret).toBe(made.SharedSecret);
});

const customStores = free('custom key stores', async (_model, real) => {
  const { CustomKeyStores } = await call(real, 'DescribeCustomKeyStores', {}, undefined);
  expect(CustomKeyStores).toEqual([]);
  for (const name of ['Connect', 'Disconnect', 'Delete', 'Update']) {
    const body = { CustomKeyStoreId: 'cks-1234567890abcdef0' };
    await call(real, `${name}CustomKeyStore`, body, 'CustomKeyStoreNotFoundException');
  }
});

const materialOf = (key: ImportedKey, which: number) =>
  Buffer.from(`${key.id}${which}`.slice(-32).padStart(32, '#'));

async function importedKey(model: Model, real: Real): Promise<ImportedKey> {
  if (model.imported === undefined) {
    const { KeyMetadata } = await call(real, 'CreateKey', { Origin: 'EXTERNAL' }, undefined);
    expect(KeyMetadata.KeyState).toBe('PendingImport');
    model.imported = {
      id: KeyMetadata.KeyId,
      arn: KeyMetadata.Arn,
      bound: undefined,
      present: false,
      validTo: undefined,
      blob: undefined,
      parameters: undefined,
    };
  }
  return model.imported;
}

function importMaterial(which: number, days: number): Command {
  return {
    ...free('ImportKeyMaterial', async (model, real) => {
      const key = await importedKey(model, real);
      if (key.parameters === undefined) {
        const reply = await call(
          real,
          'GetParametersForImport',
          { KeyId: key.id, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' },
          undefined,
        );
        const spki = Buffer.from(reply.PublicKey, 'base64');
        key.parameters = { token: reply.ImportToken, publicKey: spki, at: model.now };
      }
      const { token, publicKey, at } = key.parameters;
      const wrapped = publicEncrypt(
        {
          key: createPublicKey({ key: publicKey, format: 'der', type: 'spki' }),
          padding: constants.RSA_PKCS1_OAEP_PADDING,
          oaepHash: 'sha256',
        },
        materialOf(key, which),
      );
      const expires = days > 0;
      const body = {
        KeyId: key.id,
        ImportToken: token,
        EncryptedKeyMaterial: wrapped.toString('base64'),
        ExpirationModel: expires ? 'KEY_MATERIAL_EXPIRES' : 'KEY_MATERIAL_DOES_NOT_EXPIRE',
        ...(expires ? { ValidTo: (model.now + days * DAY_MS) / 1000 } : {}),
      };
      const stale = model.now >= at + DAY_MS;
      const refusal = stale
        ? 'ExpiredImportTokenException'
        : key.bound !== undefined && key.bound !== which
          ? 'IncorrectKeyMaterialException'
          : undefined;
      await call(real, 'ImportKeyMaterial', body, refusal);
      if (stale) key.parameters = undefined;
      if (refusal !== undefined) return;
      key.bound = which;
      key.present = true;
      key.validTo = expires ? model.now + days * DAY_MS : undefined;
      await useImported(real, key);
    }),
    check: (model: Model) => model.imports,
  };
}

const deleteMaterial: Command = {
  ...free('DeleteImportedKeyMaterial', async (model, real) => {
    const key = await importedKey(model, real);
    await call(real, 'DeleteImportedKeyMaterial', { KeyId: key.id }, undefined);
    key.present = false;
    key.validTo = undefined;
    await useImported(real, key);
  }),
  check: (model: Model) => model.imports && model.imported?.present === true,
};

const describeImported: Command = {
  ...free('DescribeKey of an imported key', async (model, real) => {
    await useImported(real, await importedKey(model, real));
  }),
  check: (model: Model) => model.imports,
};

/** What it shows, and whether it opens what it sealed. */
async function useImported(real: Real, key: ImportedKey): Promise<void> {
  const { KeyMetadata } = await call(real, 'DescribeKey', { KeyId: key.id }, undefined);
  expect([KeyMetadata.KeyState, KeyMetadata.ValidTo, KeyMetadata.ExpirationModel]).toEqual(
    key.present
      ? [
          'Enabled',
          key.validTo === undefined ? undefined : key.validTo / 1000,
          key.validTo === undefined ? 'KEY_MATERIAL_DOES_NOT_EXPIRE' : 'KEY_MATERIAL_EXPIRES',
        ]
      : ['PendingImport', undefined, undefined],
  );
  const refusal = key.present ? undefined : 'KMSInvalidStateException';
  const made = await call(real, 'Encrypt', { KeyId: key.id, Plaintext: MESSAGE }, refusal);
  key.blob ??= made?.CiphertextBlob;
  if (key.blob === undefined) return;
  const opened = await call(real, 'Decrypt', { CiphertextBlob: key.blob }, refusal);
  if (opened !== undefined) expect(opened.Plaintext).toBe(MESSAGE);
}

export const MORE: readonly fc.Arbitrary<Command>[] = [
  ...[listPolicies, publicKey, lastUsage].map((look) =>
    index.map((i) => onKey(look.name, i, look)),
  ),
  fc.constant(random),
  wraps('GenerateDataKeyWithoutPlaintext'),
  wraps('GenerateDataKeyPair'),
  wraps('GenerateDataKeyPairWithoutPlaintext'),
  fc.tuple(index, index).map((given) => updateAlias(...given)),
  index.map(retireGrant),
  // Seldom: each of these is several calls.
  fc.constantFrom(agreement, encapsulation, customStores, random, random),
  fc.constantFrom(listKeys, random, random, random, random, random, random, random),
  fc
    .tuple(fc.constantFrom(0, 0, 0, 1), fc.integer({ min: -100, max: 100 }))
    .map((given) => importMaterial(...given)),
  fc.constantFrom(deleteMaterial, describeImported),
];
