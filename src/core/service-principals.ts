/**
 * Services of the deployment: programs that store things for others (a file store, a database) and
 * have KMS keys of their own, as AWS services have AWS managed keys. A service NAME signs as the
 * principal NAME.amazonaws.com, and its key has the alias alias/aws/NAME.
 */
import { partitionOf } from './ids.js';

export const SERVICE_NAME = /^[a-z][a-z0-9-]{0,61}$/;
/** Services of a deployment. */
export const SERVICES_MAX = 64;
export const SERVICE_ALIAS_PREFIX = 'alias/aws/';
const DOMAIN = '.amazonaws.com';

/** 's3' -> 's3.amazonaws.com'. */
export function servicePrincipal(service: string): string {
  return service + DOMAIN;
}

/** The service of a principal's name; undefined when it names none. */
export function serviceOfPrincipal(name: string): string | undefined {
  if (!name.endsWith(DOMAIN)) return undefined;
  const service = name.slice(0, -DOMAIN.length);
  return SERVICE_NAME.test(service) ? service : undefined;
}

/** Services have no ARN with AWS; ours have an account, the one whose keys they use. */
export function servicePrincipalArn(region: string, account: string, service: string): string {
  return `arn:${partitionOf(region)}:iam::${account}:service/${servicePrincipal(service)}`;
}
