/** Rules for alias names beyond the pattern of the API model. AWS KMS Developer Guide, aliases. */
import type { Caller } from '../../auth/port.js';
import { KmsError } from '../../core/errors.js';
import { aliasArn } from '../../core/ids.js';

const PREFIX = 'alias/';
const RESERVED_PREFIX = 'alias/aws/';

/** @throws ValidationException for a name without its prefix, or without anything after it */
export function requireAliasName(name: string): void {
  if (!name.startsWith(PREFIX)) {
    throw new KmsError(
      'ValidationException',
      'Alias must start with the prefix "alias/". Please see ' +
        'https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html',
    );
  }
  if (name.length === PREFIX.length || name.includes(':')) {
    throw new KmsError('ValidationException', `${name} contains invalid characters for an alias`);
  }
}

/** Names of AWS's own aliases cannot be given or taken. @throws InvalidAliasNameException */
export function refuseReservedAlias(name: string): void {
  if (!name.startsWith(RESERVED_PREFIX)) return;
  throw new KmsError(
    'InvalidAliasNameException',
    `The alias name ${name} is reserved: the prefix ${RESERVED_PREFIX} is for AWS managed keys.`,
  );
}

/** @throws ValidationException when an alias is given where a key is meant */
export function refuseAliasTarget(targetKeyId: string): void {
  if (!targetKeyId.startsWith(PREFIX) && !/^arn:[^:]*:kms:[^:]*:[^:]*:alias\//.test(targetKeyId)) {
    return;
  }
  throw new KmsError('ValidationException', 'Aliases must refer to keys. Not aliases');
}

/** The alias's ARN, the second resource in the audit record of alias operations. */
export function aliasResources(
  input: { readonly AliasName: string },
  context: { readonly caller: Caller },
): readonly string[] {
  return [aliasArn(context.caller.region, context.caller.account, input.AliasName)];
}
