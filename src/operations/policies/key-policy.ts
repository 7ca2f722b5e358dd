/**
 * What CreateKey, PutKeyPolicy and ReplicateKey ask of a key policy: size, form, principals that
 * exist, and that the caller can still change it afterwards. AWS KMS API reference, PutKeyPolicy.
 */
import { KmsError } from '../../core/errors.js';
import { partitionOf } from '../../core/ids.js';
import type { StoredKey } from '../../core/records.js';
import type { Key } from '../../keys/key.js';
import { defaultKeyPolicy, policyText } from '../../policy/default-policy.js';
import type { PolicyDocument } from '../../policy/document.js';
import { evaluatePolicy } from '../../policy/evaluate.js';
import { invalidPrincipals, malformed, parsePolicy } from '../../policy/parse.js';
import type { OperationContext } from '../port.js';

/** The one name that users set. */
export const DEFAULT_POLICY_NAME = 'default';

const ACTION = 'kms:PutKeyPolicy';

/** The key that a policy is for; it need not be there yet. */
export type PolicyTarget = Pick<StoredKey, 'keySpec' | 'keyUsage' | 'origin' | 'multiRegion'> &
  Partial<Pick<StoredKey, 'multiRegionRole'>> & { readonly arn: string };

/** The policy of a key, as GetKeyPolicy shows it: the text given, or AWS's own. */
export function keyPolicyText({ record }: Key): string {
  return record.policy ?? policyText(defaultKeyPolicy(record.region, record.account));
}

/**
 * Checks a policy before anything is written.
 * @param bypass BypassPolicyLockoutSafetyCheck
 * @throws LimitExceededException, MalformedPolicyDocumentException
 */
export async function requireKeyPolicy(
  context: Pick<OperationContext, 'caller' | 'clock' | 'service' | 'request'>,
  policy: string,
  target: PolicyTarget,
  bypass: boolean | undefined,
): Promise<void> {
  const { caller, service } = context;
  const { policyBytes } = service.quotas;
  if (Buffer.byteLength(policy) > policyBytes) {
    throw new KmsError(
      'LimitExceededException',
      `The key policy is longer than ${policyBytes} bytes.`,
    );
  }
  const document = parsePolicy(policy, partitionOf(caller.region));
  for (const arn of ownPrincipals(document, caller.account)) {
    if (!(await service.principalExists(arn))) throw invalidPrincipals();
  }
  if (bypass === true) return;
  const decision = evaluatePolicy(document, {
    action: ACTION,
    resource: target.arn,
    principal: caller,
    context: conditionContext(context, target),
  });
  // Delegated to the account: identity policies decide, and there are none that refuse.
  if (decision === 'allowed' || decision === 'delegated') return;
  throw malformed('The new key policy will not allow you to update the key policy in the future.');
}

/** ARNs of the users and roles of the account that a policy names. */
function ownPrincipals(document: PolicyDocument, account: string): ReadonlySet<string> {
  const arns = new Set<string>();
  for (const { principals } of document.statements) {
    for (const entry of principals.entries) {
      if ((entry.kind === 'user' || entry.kind === 'role') && entry.account === account) {
        arns.add(entry.arn);
      }
    }
  }
  return arns;
}

/** Services have no type of principal. */
const PRINCIPAL_TYPES = Object.freeze({
  root: 'Account',
  user: 'User',
  role: 'AssumedRole',
  service: undefined,
});

/** Condition keys of the present request that a later PutKeyPolicy would have as well. */
function conditionContext(
  { caller, clock, request }: Pick<OperationContext, 'caller' | 'clock' | 'request'>,
  target: PolicyTarget,
): ReadonlyMap<string, readonly string[]> {
  const now = clock.now();
  const values: Readonly<Record<string, string | undefined>> = {
    'aws:PrincipalArn': caller.arn,
    'aws:PrincipalAccount': caller.account,
    'aws:PrincipalType': PRINCIPAL_TYPES[caller.kind],
    'aws:PrincipalIsAWSService': String(caller.kind === 'service'),
    'aws:PrincipalServiceName': caller.kind === 'service' ? caller.name : undefined,
    'aws:username': caller.kind === 'user' ? caller.name : undefined,
    'aws:RequestedRegion': caller.region,
    'aws:CurrentTime': new Date(now).toISOString(),
    'aws:EpochTime': String(Math.floor(now / 1000)),
    'aws:SourceIp': request.remoteAddress,
    'aws:SecureTransport': String(request.tls),
    'kms:CallerAccount': caller.account,
    'kms:PolicyName': DEFAULT_POLICY_NAME,
    'kms:KeySpec': target.keySpec,
    'kms:CustomerMasterKeySpec': target.keySpec,
    'kms:KeyUsage': target.keyUsage,
    'kms:CustomerMasterKeyUsage': target.keyUsage,
    'kms:KeyOrigin': target.origin,
    'kms:MultiRegion': String(target.multiRegion),
    'kms:MultiRegionKeyType': target.multiRegionRole ?? undefined,
  };
  const context = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) context.set(name.toLowerCase(), [value]);
  }
  return context;
}
