/** What the operations on grants share: members, ids, and the entry that lists show. */
import { KmsError } from '../../core/errors.js';
import { accountPrincipal, keyArn } from '../../core/ids.js';
import { GRANT_CONTEXT_PAIRS_MAX, GRANT_CONTEXT_VALUE_CHARS_MAX } from '../../core/limits.js';
import type { GrantConstraints, StoredGrant } from '../../core/records.js';
import { kmsEnum, kmsList, kmsString, structure } from '../../protocol/schema.js';
import { EncryptionContext } from '../members.js';

export const GrantOperations = kmsList(
  kmsEnum([
    'Decrypt',
    'Encrypt',
    'GenerateDataKey',
    'GenerateDataKeyWithoutPlaintext',
    'ReEncryptFrom',
    'ReEncryptTo',
    'Sign',
    'Verify',
    'GetPublicKey',
    'CreateGrant',
    'RetireGrant',
    'DescribeKey',
    'GenerateDataKeyPair',
    'GenerateDataKeyPairWithoutPlaintext',
    'GenerateMac',
    'VerifyMac',
    'DeriveSharedSecret',
    'Decapsulate',
    'Encapsulate',
  ]),
  // The API model has no bound, but a grant of nothing is none.
  { min: 1 },
);

export const Constraints = structure({
  EncryptionContextSubset: EncryptionContext,
  EncryptionContextEquals: EncryptionContext,
  SourceArn: kmsString({
    min: 20,
    max: 512,
    pattern: '^arn:aws[a-z0-9-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:.+$',
  }),
});

interface ConstraintMembers {
  readonly EncryptionContextSubset?: Readonly<Record<string, string>> | undefined;
  readonly EncryptionContextEquals?: Readonly<Record<string, string>> | undefined;
  readonly SourceArn?: string | undefined;
}

/** @throws ValidationException */
function requireBounds(context: Readonly<Record<string, string>> | undefined): void {
  if (context === undefined) return;
  const values = Object.values(context);
  if (values.length > GRANT_CONTEXT_PAIRS_MAX) {
    const text = `A grant constraint can have at most ${GRANT_CONTEXT_PAIRS_MAX} encryption context pairs.`;
    throw new KmsError('ValidationException', text);
  }
  if (values.every((value) => value.length <= GRANT_CONTEXT_VALUE_CHARS_MAX)) return;
  throw new KmsError(
    'ValidationException',
    'An encryption context value in a grant constraint can have at most ' +
      `${GRANT_CONTEXT_VALUE_CHARS_MAX} characters.`,
  );
}

/**
 * Constraints as they are kept; none of them is the same as no constraints.
 * @throws ValidationException
 */
export function constraintsOf(
  members: ConstraintMembers | undefined,
): GrantConstraints | undefined {
  if (members === undefined) return undefined;
  const { EncryptionContextSubset, EncryptionContextEquals, SourceArn } = members;
  if (EncryptionContextSubset !== undefined && EncryptionContextEquals !== undefined) {
    throw new KmsError('ValidationException', 'More than one constraint supplied');
  }
  requireBounds(EncryptionContextSubset);
  requireBounds(EncryptionContextEquals);
  if ((EncryptionContextSubset ?? EncryptionContextEquals ?? SourceArn) === undefined) {
    return undefined;
  }
  return {
    ...(EncryptionContextSubset && { encryptionContextSubset: EncryptionContextSubset }),
    ...(EncryptionContextEquals && { encryptionContextEquals: EncryptionContextEquals }),
    ...(SourceArn !== undefined && { sourceArn: SourceArn }),
  };
}

/** @throws InvalidGrantIdException */
export function requireGrantId(grantId: string): void {
  if (/^[0-9a-f]{64}$/.test(grantId)) return;
  throw invalidGrantId();
}

export function invalidGrantId(): KmsError {
  return new KmsError('InvalidGrantIdException', 'The grant ID is not valid.');
}

/** True for an ARN, false for the name of a service. */
function isArn(principal: string): boolean {
  return principal.startsWith('arn:');
}

/** AWS KMS API, GrantListEntry. */
export function grantListEntry(grant: StoredGrant): object {
  const { granteePrincipal: grantee, retiringPrincipal: retiring, constraints } = grant;
  return {
    KeyId: keyArn(grant.region, grant.account, grant.keyId),
    GrantId: grant.grantId,
    Name: grant.name ?? '',
    CreationDate: grant.createdAt / 1000,
    [isArn(grantee) ? 'GranteePrincipal' : 'GranteeServicePrincipal']: grantee,
    ...(retiring !== null && {
      [isArn(retiring) ? 'RetiringPrincipal' : 'RetiringServicePrincipal']: retiring,
    }),
    IssuingAccount: accountPrincipal(grant.region, grant.issuingAccount),
    Operations: grant.operations,
    Constraints:
      constraints === null
        ? undefined
        : {
            EncryptionContextSubset: constraints.encryptionContextSubset,
            EncryptionContextEquals: constraints.encryptionContextEquals,
            SourceArn: constraints.sourceArn,
          },
  };
}
