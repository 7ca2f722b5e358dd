/**
 * CreateGrant. AWS KMS API reference, CreateGrant. A name makes retries of a request safe: the same
 * name with all else the same gives the grant that is there, and a new token of it.
 */
import { KmsError } from '../../core/errors.js';
import type { GrantRequest } from '../../keys/service.js';
import { kmsString, structure } from '../../protocol/schema.js';
import { ownDraws } from '../draws.js';
import { DryRun, GrantTokens, KeyId, PrincipalId, ServicePrincipal } from '../members.js';
import { operation } from '../port.js';
import { Constraints, constraintsOf, GrantOperations } from './grant-members.js';
import { anyPrincipal, onePrincipal } from './principals.js';

const input = structure(
  {
    KeyId,
    GranteePrincipal: PrincipalId,
    RetiringPrincipal: PrincipalId,
    Operations: GrantOperations,
    Constraints,
    GrantTokens,
    Name: kmsString({ min: 1, max: 256, pattern: '^[a-zA-Z0-9:/_-]+$' }),
    DryRun,
    GranteeServicePrincipal: ServicePrincipal,
    RetiringServicePrincipal: ServicePrincipal,
  },
  { required: ['KeyId', 'Operations'] },
);

/** Rules that look at the request alone. @throws ValidationException, InvalidArnException */
function grantRequest(region: string, members: (typeof input)['static']): GrantRequest {
  const { GranteeServicePrincipal, RetiringServicePrincipal, Operations } = members;
  const grantee = onePrincipal(
    region,
    'Grantee',
    members.GranteePrincipal,
    GranteeServicePrincipal,
  );
  const retiring = anyPrincipal(
    region,
    'Retiring',
    members.RetiringPrincipal,
    RetiringServicePrincipal,
  );
  if (Operations.every((name) => name === 'CreateGrant')) {
    const text = 'Grants must not contain only the CreateGrant operation.';
    throw new KmsError('ValidationException', text);
  }
  const constraints = constraintsOf(members.Constraints);
  if (GranteeServicePrincipal !== undefined) {
    if (retiring === undefined) {
      const text = 'A grant to a service principal needs a retiring principal.';
      throw new KmsError('ValidationException', text);
    }
    if (constraints?.sourceArn === undefined) {
      const text = 'A grant to a service principal needs a SourceArn constraint.';
      throw new KmsError('ValidationException', text);
    }
  }
  return {
    name: members.Name,
    granteePrincipal: grantee,
    retiringPrincipal: retiring,
    operations: Operations,
    constraints,
  };
}

export const createGrant = operation({
  name: 'CreateGrant',
  input,
  access(members, region) {
    grantRequest(region, members);
    return [{ member: 'KeyId', id: members.KeyId, aliases: false, permission: 'kms:CreateGrant' }];
  },
  quota: ownDraws('CreateGrant'),
  audit: {
    readOnly: false,
    // Written out: names in an encryption context keep their letters.
    request: (members) => ({
      keyId: members.KeyId,
      granteePrincipal: members.GranteePrincipal,
      granteeServicePrincipal: members.GranteeServicePrincipal,
      retiringPrincipal: members.RetiringPrincipal,
      retiringServicePrincipal: members.RetiringServicePrincipal,
      operations: members.Operations,
      constraints: members.Constraints && {
        encryptionContextSubset: members.Constraints.EncryptionContextSubset,
        encryptionContextEquals: members.Constraints.EncryptionContextEquals,
        sourceArn: members.Constraints.SourceArn,
      },
      name: members.Name,
    }),
    response: (_members, output: { readonly GrantId: string }, keys) => ({
      grantId: output.GrantId,
      keyId: keys[0]?.arn,
    }),
  },
  async run({ service, caller, keys, endDryRun }, members) {
    const key = keys[0]!;
    const request = grantRequest(caller.region, members);
    service.requireState('CreateGrant', key);
    service.requireGrantFits(key, request.operations, request.constraints);
    if (members.DryRun === true) await service.requireGrantRoom(caller, key, request);
    endDryRun(members.DryRun);
    const { grantId, grantToken } = await service.createGrant(caller, key, request);
    return { GrantToken: grantToken, GrantId: grantId };
  },
});
