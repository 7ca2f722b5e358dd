/** CreateKey. AWS KMS API reference, CreateKey; pairs of KeySpec and KeyUsage by the spec's row. */
import { KmsError } from '../../core/errors.js';
import { keyArn } from '../../core/ids.js';
import type { KeySpec as OfferedSpec, KeyUsage as OfferedUsage } from '../../core/records.js';
import { kmsBoolean, structure } from '../../protocol/schema.js';
import { KEY_SPECS, keySpecRow, offeredIn } from '../../specs/key-specs.js';
import { isImportable } from '../../specs/wrapping.js';
import { auditMembers } from '../audit-members.js';
import { requireStoreOfOrigin } from '../checks.js';
import { ownDraws } from '../draws.js';
import { type KeyMetadata, keyMetadata } from '../key-metadata.js';
import {
  CustomerMasterKeySpec,
  CustomKeyStoreId,
  Description,
  KeySpec,
  KeyUsage,
  Origin,
  Policy,
  SYMMETRIC_DEFAULT,
  Tags,
  tagsOf,
  XksKeyId,
} from '../members.js';
import { requireKeyPolicy } from '../policies/key-policy.js';
import { operation } from '../port.js';

/** Stands for the id of a key that is yet to be made. */
const NEW_KEY = 'new';
const OFFERED: ReadonlySet<string> = new Set(KEY_SPECS.map((row) => row.spec));

interface SpecMembers {
  readonly KeySpec?: string | undefined;
  readonly CustomerMasterKeySpec?: string | undefined;
  readonly KeyUsage?: string | undefined;
}

/** @throws ValidationException, UnsupportedOperationException */
function specAndUsage(
  input: SpecMembers,
  region: string,
): { keySpec: OfferedSpec; keyUsage: OfferedUsage } {
  if (input.KeySpec !== undefined && input.CustomerMasterKeySpec !== undefined) {
    throw new KmsError(
      'ValidationException',
      'You cannot specify KeySpec and CustomerMasterKeySpec in the same request. ' +
        'CustomerMasterKeySpec is deprecated.',
    );
  }
  const spec = input.KeySpec ?? input.CustomerMasterKeySpec ?? SYMMETRIC_DEFAULT;
  const usage = input.KeyUsage ?? (spec === SYMMETRIC_DEFAULT ? 'ENCRYPT_DECRYPT' : undefined);
  if (usage === undefined) {
    throw new KmsError(
      'ValidationException',
      'You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.',
    );
  }
  if (!OFFERED.has(spec) || !offeredIn(keySpecRow(spec), region)) {
    throw new KmsError('UnsupportedOperationException', `KeySpec ${spec} is not supported.`);
  }
  const row = keySpecRow(spec);
  if (!row.usages.some((offered) => offered === usage)) {
    throw new KmsError(
      'ValidationException',
      spec === SYMMETRIC_DEFAULT
        ? `The request KeyUsage ${usage} is not valid: for KeySpec ${spec} it must be ENCRYPT_DECRYPT.`
        : `KeyUsage ${usage} is not compatible with KeySpec ${spec}`,
    );
  }
  return { keySpec: row.spec, keyUsage: usage as OfferedUsage };
}

interface OriginMembers {
  readonly Origin?: string | undefined;
  readonly CustomKeyStoreId?: string | undefined;
  readonly XksKeyId?: string | undefined;
}

/** Where the material comes from: ours or imported. @throws KmsError for key stores */
function originOf(input: OriginMembers, keySpec: OfferedSpec): 'AWS_KMS' | 'EXTERNAL' {
  if (input.XksKeyId !== undefined && input.Origin !== 'EXTERNAL_KEY_STORE') {
    throw new KmsError(
      'ValidationException',
      'XksKeyId can be used with the EXTERNAL_KEY_STORE origin only.',
    );
  }
  requireStoreOfOrigin(input.Origin, input.CustomKeyStoreId);
  if (input.Origin === undefined || input.Origin === 'AWS_KMS') return 'AWS_KMS';
  if (input.Origin === 'EXTERNAL') {
    if (isImportable(keySpecRow(keySpec))) return 'EXTERNAL';
    throw new KmsError(
      'UnsupportedOperationException',
      `Origin EXTERNAL is not supported for KeySpec ${keySpec}.`,
    );
  }
  throw new KmsError('UnsupportedOperationException', `Origin ${input.Origin} is not supported.`);
}

interface CreateKeyOutput {
  readonly KeyMetadata: KeyMetadata;
}

export const createKey = operation({
  name: 'CreateKey',
  input: structure({
    Policy,
    Description,
    KeyUsage,
    CustomerMasterKeySpec,
    KeySpec,
    Origin,
    CustomKeyStoreId,
    BypassPolicyLockoutSafetyCheck: kmsBoolean(),
    Tags,
    MultiRegion: kmsBoolean(),
    XksKeyId,
  }),
  access: () => [],
  quota: ownDraws('CreateKey'),
  audit: {
    readOnly: false,
    request: (input) => ({
      policy: input.Policy,
      description: input.Description ?? '',
      keyUsage: input.KeyUsage ?? 'ENCRYPT_DECRYPT',
      customerMasterKeySpec: input.CustomerMasterKeySpec ?? input.KeySpec ?? SYMMETRIC_DEFAULT,
      keySpec: input.KeySpec ?? input.CustomerMasterKeySpec ?? SYMMETRIC_DEFAULT,
      origin: input.Origin ?? 'AWS_KMS',
      customKeyStoreId: input.CustomKeyStoreId,
      bypassPolicyLockoutSafetyCheck: input.BypassPolicyLockoutSafetyCheck ?? false,
      tags: input.Tags?.map(auditMembers),
      multiRegion: input.MultiRegion ?? false,
      xksKeyId: input.XksKeyId,
    }),
    response: (_input, output: CreateKeyOutput) => auditMembers(output),
    resources: (_input, { output }) => (output === undefined ? [] : [output.KeyMetadata.Arn]),
  },
  async run(context, input): Promise<CreateKeyOutput> {
    const { service, caller } = context;
    const { keySpec, keyUsage } = specAndUsage(input, caller.region);
    const multiRegion = input.MultiRegion ?? false;
    const origin = originOf(input, keySpec);
    if (input.Policy !== undefined) {
      const target = {
        arn: keyArn(caller.region, caller.account, NEW_KEY),
        keySpec,
        keyUsage,
        origin,
        multiRegion,
        multiRegionRole: multiRegion ? 'PRIMARY' : null,
      } as const;
      await requireKeyPolicy(context, input.Policy, target, input.BypassPolicyLockoutSafetyCheck);
    }
    const key = await service.createKey(caller, {
      origin,
      keySpec,
      keyUsage,
      description: input.Description ?? '',
      multiRegion,
      policy: input.Policy,
      tags: tagsOf(input.Tags),
    });
    return { KeyMetadata: keyMetadata(key, [key]) };
  },
});
