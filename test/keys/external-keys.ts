/** Keys of imported material, for tests of the key domain. */
import type { Caller } from '../../src/auth/port.js';
import type { KeySpec, KeyUsage } from '../../src/core/records.js';
import type { ImportMaterialRequest } from '../../src/keys/imported-material.js';
import type { Key } from '../../src/keys/key.js';
import type { WrappingAlgorithm, WrappingKeySpec } from '../../src/specs/wrapping.js';
import { encryptMaterial } from '../engine/import-material.js';
import { ACCOUNT, blobInput, CALLER, caller, REGION, type Rig } from './rig.js';

export const SCOPE = { account: ACCOUNT, region: REGION };

export interface ImportOptions
  extends Partial<Omit<ImportMaterialRequest, 'token' | 'encryptedMaterial'>> {
  readonly algorithm?: WrappingAlgorithm;
  readonly wrappingKey?: WrappingKeySpec;
  readonly token?: Uint8Array;
  readonly encrypted?: Uint8Array;
}

/** A key of Origin EXTERNAL, without material. */
export function createExternal(
  rig: Rig,
  keySpec: KeySpec = 'SYMMETRIC_DEFAULT',
  keyUsage: KeyUsage = 'ENCRYPT_DECRYPT',
  by: Caller = CALLER,
): Promise<Key> {
  const request = { keySpec, keyUsage, description: '', multiRegion: false, policy: undefined };
  return rig.service.createKey(by, { ...request, tags: [], origin: 'EXTERNAL' });
}

/** Imports material as `options` say, by default what does not expire. */
export async function importInto(
  rig: Rig,
  key: Key,
  material: Uint8Array,
  options: ImportOptions = {},
) {
  const secret = key.spec.family === 'symmetric' || key.spec.family === 'hmac';
  const { algorithm = secret ? 'RSAES_OAEP_SHA_256' : 'RSA_AES_KEY_WRAP_SHA_256' } = options;
  const { wrappingKey = 'RSA_2048', token, encrypted, ...request } = options;
  let given = { token, encrypted };
  if (token === undefined || encrypted === undefined) {
    const made = await rig.service.importParameters(key, algorithm, wrappingKey);
    given = {
      token: token ?? made.token,
      encrypted: encrypted ?? encryptMaterial(made.publicKey, algorithm, material),
    };
  }
  return rig.service.importMaterial(await current(rig, key), {
    token: blobInput(given.token!),
    encryptedMaterial: blobInput(given.encrypted!),
    importType: undefined,
    expirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
    validTo: null,
    description: undefined,
    materialId: undefined,
    ...request,
  });
}

/** The key as it is now. */
export function current(rig: Rig, key: Key): Promise<Key> {
  const by = caller(key.record.account, key.record.region);
  return rig.resolve({ id: key.record.keyId, permission: 'kms:ImportKeyMaterial' }, by);
}

export const stored = (rig: Rig, key: Key) => rig.store.getKey(SCOPE, key.record.keyId);
export const expiring = (validTo: number) =>
  ({ expirationModel: 'KEY_MATERIAL_EXPIRES', validTo }) as const;

/** 'OK', or the code that `work` is refused with. */
export async function code(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'OK',
    (error: unknown) => (error as { readonly code?: string }).code ?? 'no KmsError',
  );
}
