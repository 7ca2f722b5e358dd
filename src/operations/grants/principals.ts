/**
 * Principals of grants. AWS KMS API reference, CreateGrant: an AWS principal by its ARN (account,
 * user, role, session of a role, federated user), or a service by its name, each in a member of its
 * own. Groups and organizations are no principals.
 */
import { KmsError } from '../../core/errors.js';
import { partitionOf } from '../../core/ids.js';

const NAME = '[\\w+=,.@-]{1,64}';
/** After `arn:` and the partition. */
const FORMS: readonly RegExp[] = [
  // Users and roles may have a path, whose parts end in slashes.
  `iam::\\d{12}:(?:root|(?:user|role)/(?:[\\w+=,.@:-]+/)*${NAME})`,
  `sts::\\d{12}:(?:assumed-role/${NAME}/${NAME}|federated-user/${NAME})`,
].map((form) => new RegExp(`^${form}$`));

/** @throws InvalidArnException, also for principals of another partition than the Region's */
function requirePrincipal(region: string, arn: string): void {
  const prefix = `arn:${partitionOf(region)}:`;
  const form = arn.slice(prefix.length);
  if (arn.startsWith(prefix) && FORMS.some((known) => known.test(form))) return;
  throw new KmsError('InvalidArnException', `ARN does not refer to a valid principal: ${arn}`);
}

/** The account of a principal's ARN. */
export function accountOf(arn: string): string {
  return arn.split(':')[4]!;
}

/**
 * The one of two members that is given, undefined when neither is.
 * @throws ValidationException when both are, InvalidArnException when the ARN is no principal's
 */
export function anyPrincipal(
  region: string,
  role: 'Grantee' | 'Retiring',
  arn: string | undefined,
  service: string | undefined,
): string | undefined {
  if (arn !== undefined && service !== undefined) {
    throw new KmsError(
      'ValidationException',
      `${role}Principal and ${role}ServicePrincipal cannot be specified together.`,
    );
  }
  if (arn !== undefined) requirePrincipal(region, arn);
  return arn ?? service;
}

/** As anyPrincipal. @throws ValidationException also when neither is given */
export function onePrincipal(
  region: string,
  role: 'Grantee' | 'Retiring',
  arn: string | undefined,
  service: string | undefined,
): string {
  const principal = anyPrincipal(region, role, arn, service);
  if (principal !== undefined) return principal;
  throw new KmsError(
    'ValidationException',
    `Either ${role}Principal or ${role}ServicePrincipal must be specified.`,
  );
}
