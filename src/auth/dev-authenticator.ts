/**
 * The authenticator of dev mode, for a loopback address only: it checks NO signature.
 *
 * As local emulators do: an access key id of 12 digits is the account, any other means account
 * 000000000000, the caller is that account's root, and the region is that of the credential
 * scope: any one, unless the server was told which there are. An access key id that reads
 * NAME.amazonaws.com makes the caller that service. A request without an AWS Authorization header
 * is refused as AWS refuses it, so that a client that forgot to sign is found in development.
 */
import { KmsError } from '../core/errors.js';
import { accountPrincipal } from '../core/ids.js';
import {
  serviceOfPrincipal,
  servicePrincipal,
  servicePrincipalArn,
} from '../core/service-principals.js';
import {
  isAwsAuthorization,
  isRegion,
  parseAuthorization,
  parseCredential,
  quoted,
  requireAlgorithm,
  requireComplete,
} from './authorization-header.js';
import { BoundedMap } from './bounded-map.js';
import type { Authenticator, Caller, RequestHead } from './port.js';

export const DEV_ACCOUNT = '000000000000';

const ACCOUNT = /^[0-9]{12}$/;
/** Ours: callers of one generation of the cache. */
const CALLERS_MAX = 1_024;

/**
 * Trusts whoever calls. Never for an address that others can reach. `regions`: those that are
 * served; any well-formed one unless given.
 */
export function createDevAuthenticator(regions?: readonly string[]): Authenticator {
  const served = regions === undefined ? undefined : new Set(regions);
  const callers = new BoundedMap<Caller>(CALLERS_MAX);
  return {
    authenticate(head) {
      try {
        const { accessKeyId, region } = claimOf(head, served);
        const name = `${accessKeyId}/${region}`;
        let caller = callers.get(name);
        if (caller === undefined) {
          caller = callerOf(accessKeyId, region);
          callers.set(name, caller);
        }
        return Promise.resolve(caller);
      } catch (error) {
        return Promise.reject(error);
      }
    },
  };
}

/** @throws MissingAuthenticationToken, IncompleteSignature, InvalidSignature: no region to go by */
function claimOf(
  head: RequestHead,
  served: ReadonlySet<string> | undefined,
): { accessKeyId: string; region: string } {
  const authorization = head.header('authorization');
  if (!isAwsAuthorization(authorization)) {
    throw new KmsError('MissingAuthenticationTokenException');
  }
  const fields = parseAuthorization(authorization);
  requireComplete(fields, true, authorization);
  requireAlgorithm(fields.algorithm);
  const scope = parseCredential(fields.credential);
  if (!isRegion(scope.region) || served?.has(scope.region) === false) {
    throw new KmsError(
      'InvalidSignatureException',
      `Credential should be scoped to a valid region, not '${quoted(scope.region)}'.`,
    );
  }
  // What is shown in audit records is what an access key id may look like.
  return { accessKeyId: quoted(scope.accessKeyId), region: scope.region };
}

function callerOf(accessKeyId: string, region: string): Caller {
  const service = serviceOfPrincipal(accessKeyId);
  return service === undefined ? rootOf(accessKeyId, region) : serviceCaller(service, region);
}

function serviceCaller(service: string, region: string): Caller {
  const name = servicePrincipal(service);
  return Object.freeze({
    account: DEV_ACCOUNT,
    arn: servicePrincipalArn(region, DEV_ACCOUNT, service),
    kind: 'service',
    name,
    accessKeyId: name,
    region,
  });
}

function rootOf(accessKeyId: string, region: string): Caller {
  const account = ACCOUNT.test(accessKeyId) ? accessKeyId : DEV_ACCOUNT;
  return Object.freeze({
    account,
    arn: accountPrincipal(region, account),
    kind: 'root',
    name: 'root',
    accessKeyId,
    region,
  });
}
