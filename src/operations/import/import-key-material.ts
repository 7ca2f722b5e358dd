/**
 * ImportKeyMaterial. AWS KMS API reference, and Developer Guide, "Importing key material": what
 * expires does so within a year; which material comes and how it is called is said of symmetric
 * encryption keys only, because only they can have several.
 */
import { KmsError } from '../../core/errors.js';
import type { Key } from '../../keys/key.js';
import { kmsTimestamp, structure } from '../../protocol/schema.js';
import { auditDate } from '../audit-members.js';
import { ownDraws } from '../draws.js';
import {
  CiphertextBlob,
  ExpirationModel,
  ImportType,
  KeyId,
  KeyMaterialDescription,
  KeyMaterialId,
} from '../members.js';
import { operation } from '../port.js';

const YEAR_MS = 365 * 86_400_000;

interface ExpiryMembers {
  readonly ExpirationModel?: 'KEY_MATERIAL_EXPIRES' | 'KEY_MATERIAL_DOES_NOT_EXPIRE' | undefined;
  readonly ValidTo?: number | undefined;
}

function invalid(text: string): KmsError {
  return new KmsError('ValidationException', text);
}

/** @throws ValidationException where the two do not go together */
function requireExpiry({ ExpirationModel: model, ValidTo }: ExpiryMembers): void {
  const expires = model !== 'KEY_MATERIAL_DOES_NOT_EXPIRE';
  if (expires && ValidTo === undefined) {
    throw invalid('A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES');
  }
  if (!expires && ValidTo !== undefined) {
    throw invalid(
      'A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE',
    );
  }
}

/** Milliseconds since the epoch, or null. @throws ValidationException out of bounds */
function endOf({ ValidTo }: ExpiryMembers, now: number): number | null {
  if (ValidTo === undefined) return null;
  const end = Math.round(ValidTo * 1000);
  if (end <= now) throw invalid('The validTo date must be in the future.');
  if (end - now > YEAR_MS) throw invalid('The validTo date must be within 365 days from now.');
  return end;
}

interface MaterialMembers {
  readonly ImportType?: string | undefined;
  readonly KeyMaterialDescription?: string | undefined;
  readonly KeyMaterialId?: string | undefined;
}

/** @throws UnsupportedOperationException for keys that have one material for life */
function requireSeveralMaterials(key: Key, input: MaterialMembers): void {
  if (key.spec.family === 'symmetric') return;
  for (const member of ['ImportType', 'KeyMaterialDescription', 'KeyMaterialId'] as const) {
    if (input[member] === undefined) continue;
    throw new KmsError(
      'UnsupportedOperationException',
      `The ${member} parameter is supported for symmetric encryption keys only.`,
    );
  }
}

interface ImportKeyMaterialOutput {
  readonly KeyId: string;
  readonly KeyMaterialId?: string;
}

export const importKeyMaterial = operation({
  name: 'ImportKeyMaterial',
  input: structure(
    {
      KeyId,
      ImportToken: CiphertextBlob,
      EncryptedKeyMaterial: CiphertextBlob,
      ValidTo: kmsTimestamp(),
      ExpirationModel,
      ImportType,
      KeyMaterialDescription,
      KeyMaterialId,
    },
    { required: ['KeyId', 'ImportToken', 'EncryptedKeyMaterial'] },
  ),
  access(input) {
    requireExpiry(input);
    if (input.ImportType === 'NEW_KEY_MATERIAL' && input.KeyMaterialId !== undefined) {
      throw invalid('KeyMaterialId cannot be specified if the ImportType is NEW_KEY_MATERIAL.');
    }
    return [
      { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:ImportKeyMaterial' },
    ];
  },
  quota: ownDraws('ImportKeyMaterial'),
  audit: {
    readOnly: false,
    request: (input) => ({
      keyId: input.KeyId,
      validTo: input.ValidTo === undefined ? undefined : auditDate(input.ValidTo),
      expirationModel: input.ExpirationModel ?? 'KEY_MATERIAL_EXPIRES',
      importType: input.ImportType,
      keyMaterialDescription: input.KeyMaterialDescription,
      keyMaterialId: input.KeyMaterialId,
    }),
    response: (_input, output: ImportKeyMaterialOutput) => ({
      keyId: output.KeyId,
      keyMaterialId: output.KeyMaterialId,
    }),
  },
  async run({ service, keys, clock }, input): Promise<ImportKeyMaterialOutput> {
    const key = keys[0]!;
    service.requireState('ImportKeyMaterial', key);
    requireSeveralMaterials(key, input);
    const materialId = await service.importMaterial(key, {
      token: input.ImportToken,
      encryptedMaterial: input.EncryptedKeyMaterial,
      importType: input.ImportType,
      expirationModel: input.ExpirationModel ?? 'KEY_MATERIAL_EXPIRES',
      validTo: endOf(input, clock.now()),
      description: input.KeyMaterialDescription,
      materialId: input.KeyMaterialId,
    });
    const named = key.spec.family === 'symmetric';
    return { KeyId: key.arn, ...(named ? { KeyMaterialId: materialId } : {}) };
  },
});
