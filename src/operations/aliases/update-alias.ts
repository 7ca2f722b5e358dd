/** UpdateAlias. AWS KMS API reference, UpdateAlias: points an alias at another key of its kind. */
import { KmsError } from '../../core/errors.js';
import type { Key } from '../../keys/key.js';
import { structure } from '../../protocol/schema.js';
import { auditKeyArn } from '../audit-members.js';
import { ownDraws } from '../draws.js';
import { AliasName, KeyId } from '../members.js';
import { operation } from '../port.js';
import {
  aliasResources,
  refuseAliasTarget,
  refuseReservedAlias,
  requireAliasName,
} from './alias-name.js';

/** Symmetric, HMAC or asymmetric: an alias stays with one kind of key and one usage. */
function kindOf(key: Key): string {
  const { family } = key.spec;
  return family === 'symmetric' || family === 'hmac' ? family : 'asymmetric';
}

/** @throws ValidationException when programs that use the alias could not use the new target */
function requireSameKind(present: Key, target: Key): void {
  const sameUsage = present.record.keyUsage === target.record.keyUsage;
  if (kindOf(present) === kindOf(target) && sameUsage) return;
  throw new KmsError(
    'ValidationException',
    `The key type and key usage of ${target.arn} must be those of the alias's present key ` +
      `${present.arn}.`,
  );
}

export const updateAlias = operation({
  name: 'UpdateAlias',
  input: structure({ AliasName, TargetKeyId: KeyId }, { required: ['AliasName', 'TargetKeyId'] }),
  // The new target comes first: it is the key that the audit record answers.
  access(input) {
    requireAliasName(input.AliasName);
    refuseReservedAlias(input.AliasName);
    refuseAliasTarget(input.TargetKeyId);
    const permission = 'kms:UpdateAlias';
    return [
      { member: 'TargetKeyId', id: input.TargetKeyId, aliases: false, permission },
      { member: 'AliasName', id: input.AliasName, aliases: true, permission },
    ];
  },
  quota: ownDraws('UpdateAlias'),
  audit: {
    readOnly: false,
    request: (input) => ({ aliasName: input.AliasName, targetKeyId: input.TargetKeyId }),
    response: auditKeyArn,
    resources: aliasResources,
  },
  async run({ service, caller, keys }, input) {
    const target = keys[0]!;
    service.requireState('UpdateAlias', target);
    requireSameKind(keys[1]!, target);
    await service.updateAlias(caller, input.AliasName, target);
  },
});
