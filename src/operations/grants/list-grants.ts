/** ListGrants. AWS KMS API reference, ListGrants: 50 grants unless Limit says otherwise, at most 100. */
import { isKmsError, KmsError } from '../../core/errors.js';
import type { StoredGrant } from '../../core/records.js';
import type { Key } from '../../keys/key.js';
import type { KeyService, Page } from '../../keys/service.js';
import { structure } from '../../protocol/schema.js';
import { ownDraws } from '../draws.js';
import { GrantId, KeyId, Limit, Marker, PrincipalId, ServicePrincipal } from '../members.js';
import { pageLimit, pageMembers } from '../paging.js';
import { operation } from '../port.js';
import { grantListEntry, invalidGrantId, requireGrantId } from './grant-members.js';
import { anyPrincipal } from './principals.js';

const PAGE = { fallback: 50, max: 100 };

/** The one grant that a request names, where it is to the grantee that it names too. */
async function oneGrant(
  service: KeyService,
  key: Key,
  grantId: string,
  grantee: string | undefined,
): Promise<Page<StoredGrant>> {
  try {
    const grant = await service.getGrant(key, grantId);
    const wanted = grantee === undefined || grant.granteePrincipal === grantee;
    return { items: wanted ? [grant] : [], nextMarker: undefined };
  } catch (error) {
    throw isKmsError(error, 'NotFoundException') ? invalidGrantId() : error;
  }
}

export const listGrants = operation({
  name: 'ListGrants',
  input: structure(
    {
      Limit,
      Marker,
      KeyId,
      GrantId,
      GranteePrincipal: PrincipalId,
      GranteeServicePrincipal: ServicePrincipal,
    },
    { required: ['KeyId'] },
  ),
  access(input, region) {
    anyPrincipal(region, 'Grantee', input.GranteePrincipal, input.GranteeServicePrincipal);
    if (input.GrantId !== undefined) requireGrantId(input.GrantId);
    return [{ member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:ListGrants' }];
  },
  quota: ownDraws('ListGrants'),
  audit: {
    readOnly: true,
    request: (input) => ({
      keyId: input.KeyId,
      grantId: input.GrantId,
      granteePrincipal: input.GranteePrincipal,
      granteeServicePrincipal: input.GranteeServicePrincipal,
      limit: input.Limit,
      marker: input.Marker,
    }),
  },
  async run({ service, keys }, input) {
    const key = keys[0]!;
    service.requireState('ListGrants', key);
    const grantee = input.GranteePrincipal ?? input.GranteeServicePrincipal;
    const { GrantId: grantId, Marker: marker } = input;
    // A list of one has no second page, so that no marker belongs to it.
    if (grantId !== undefined && marker !== undefined) {
      throw new KmsError('InvalidMarkerException', 'The marker is not valid for one grant.');
    }
    const page =
      grantId === undefined
        ? await service.listGrants(key, grantee, pageLimit(input.Limit, PAGE), marker)
        : await oneGrant(service, key, grantId, grantee);
    return { Grants: page.items.map(grantListEntry), ...pageMembers(page) };
  },
});
