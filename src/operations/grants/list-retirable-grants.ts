/**
 * ListRetirableGrants. AWS KMS API reference, ListRetirableGrants: the grants in the Region, on keys
 * of any account, that a principal of the caller's account may retire because they name it.
 */
import { KmsError } from '../../core/errors.js';
import { structure } from '../../protocol/schema.js';
import { ownDraws } from '../draws.js';
import { Limit, Marker, PrincipalId, ServicePrincipal } from '../members.js';
import { pageLimit, pageMembers } from '../paging.js';
import { operation } from '../port.js';
import { grantListEntry } from './grant-members.js';
import { accountOf, onePrincipal } from './principals.js';

const PAGE = { fallback: 50, max: 100 };

export const listRetirableGrants = operation({
  name: 'ListRetirableGrants',
  input: structure({
    Limit,
    Marker,
    RetiringPrincipal: PrincipalId,
    RetiringServicePrincipal: ServicePrincipal,
  }),
  access(input, region) {
    onePrincipal(region, 'Retiring', input.RetiringPrincipal, input.RetiringServicePrincipal);
    return [];
  },
  quota: ownDraws('ListRetirableGrants'),
  audit: {
    readOnly: true,
    request: (input) => ({
      retiringPrincipal: input.RetiringPrincipal,
      retiringServicePrincipal: input.RetiringServicePrincipal,
      limit: input.Limit,
      marker: input.Marker,
    }),
  },
  async run({ service, caller }, input) {
    const { RetiringPrincipal: arn, RetiringServicePrincipal: name } = input;
    if (arn !== undefined && accountOf(arn) !== caller.account) {
      throw new KmsError(
        'AccessDeniedException',
        `User: ${caller.arn} is not authorized to perform: kms:ListRetirableGrants for a ` +
          'principal of another account',
      );
    }
    // A service is no one's: of its grants a caller sees those on keys of the own account.
    const page = await service.listRetirableGrants(
      caller,
      arn ?? name!,
      arn === undefined,
      pageLimit(input.Limit, PAGE),
      input.Marker,
    );
    return { Grants: page.items.map(grantListEntry), ...pageMembers(page) };
  },
});
