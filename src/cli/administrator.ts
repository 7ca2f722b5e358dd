/** Administrators and the one showing of their access keys. */
import { systemClock } from '../core/clock.js';
import type { Config } from '../core/config.js';
import { partitionOf } from '../core/ids.js';
import type { StoredPrincipal } from '../core/records.js';
import { SERVICE_NAME, servicePrincipal, servicePrincipalArn } from '../core/service-principals.js';
import type { Deployment } from '../deployment.js';
import type { EngineOptions } from '../engine/options.js';

/** What a client needs to sign requests. */
export interface Credentials {
  readonly account: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** IAM: names of users. */
const USER_NAME = /^[\w+=,.@-]{1,64}$/;

/** Commands that use a key or two start no worker threads. */
export function withoutWorkers(config: Config): Partial<EngineOptions> {
  return { backend: config.engine.backend, dispatch: 'inline' };
}

/** The user called `name`, made when there is none. @throws Error for a name that is none */
async function userOf(deployment: Deployment, name: string): Promise<StoredPrincipal> {
  if (!USER_NAME.test(name)) {
    throw new Error('a user name has 1 to 64 letters, digits and characters of +=,.@_-');
  }
  const { account, region, store } = deployment;
  const arn = `arn:${partitionOf(region)}:iam::${account}:user/${name}`;
  const known = await store.getPrincipal(arn);
  if (known !== undefined) return known;
  const user = { arn, account, kind: 'user', name, createdAt: systemClock.now() } as const;
  await store.insertPrincipal(user);
  return user;
}

/** The principal of a service, made when there is none. @throws Error for a name that is none */
async function servicePrincipalOf(
  deployment: Deployment,
  service: string,
): Promise<StoredPrincipal> {
  if (!SERVICE_NAME.test(service)) throw new Error('a service is named like s3');
  const { account, region, store } = deployment;
  const arn = servicePrincipalArn(region, account, service);
  const known = await store.getPrincipal(arn);
  if (known !== undefined) return known;
  const name = servicePrincipal(service);
  const made = { arn, account, kind: 'service', name, createdAt: systemClock.now() } as const;
  await store.insertPrincipal(made);
  return made;
}

/** Makes an access key for the user called `name`. */
export async function newAccessKey(deployment: Deployment, name: string): Promise<Credentials> {
  return accessKeyOf(deployment, await userOf(deployment, name));
}

/** Makes an access key for a service, e.g. 's3'. */
export async function newServiceAccessKey(
  deployment: Deployment,
  service: string,
): Promise<Credentials> {
  return accessKeyOf(deployment, await servicePrincipalOf(deployment, service));
}

async function accessKeyOf(
  deployment: Deployment,
  principal: StoredPrincipal,
): Promise<Credentials> {
  const { account, region } = deployment;
  const { accessKeyId, secretAccessKey } = await deployment.accessKeys.create(principal);
  return { account, region, accessKeyId, secretAccessKey };
}

/** The only time that the secret is shown. */
export function printCredentials(credentials: Credentials, json: boolean): void {
  const { account, region, accessKeyId, secretAccessKey } = credentials;
  if (json) {
    process.stdout.write(`${JSON.stringify({ account, region, accessKeyId, secretAccessKey })}\n`);
    return;
  }
  process.stdout.write(
    `account            ${account}
region             ${region}
access key id      ${accessKeyId}
secret access key  ${secretAccessKey}

The secret access key is not shown again: keep it where secrets are kept.
`,
  );
}
