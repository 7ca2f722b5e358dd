/** `keystrel access-key ...`: access keys of a data directory, with or without a server on it. */
import type { Config } from '../core/config.js';
import type { StoredAccessKey } from '../core/records.js';
import { type Deployment, openDeployment } from '../deployment.js';
import { createEngine } from '../engine/engine.js';
import { type Store, StoreError } from '../store/port.js';
import {
  newAccessKey,
  newServiceAccessKey,
  printCredentials,
  withoutWorkers,
} from './administrator.js';

/** Principals read at a time. */
const PAGE = 100;

async function withDeployment(
  config: Config,
  use: (deployment: Deployment) => Promise<void>,
): Promise<void> {
  const engine = await createEngine(withoutWorkers(config));
  try {
    const deployment = await openDeployment(config, engine);
    try {
      await use(deployment);
    } finally {
      await deployment.close();
    }
  } finally {
    await engine.close();
  }
}

/** Whose access key is made. */
export type Holder = { readonly user: string } | { readonly service: string };

export function createAccessKey(config: Config, holder: Holder, json: boolean): Promise<void> {
  return withDeployment(config, async (deployment) => {
    const credentials =
      'service' in holder
        ? await newServiceAccessKey(deployment, holder.service)
        : await newAccessKey(deployment, holder.user);
    printCredentials(credentials, json);
  });
}

export function listAccessKeys(config: Config, json: boolean): Promise<void> {
  return withDeployment(config, async ({ store }) => {
    const keys = (await allAccessKeys(store)).map((key) => ({
      accessKeyId: key.accessKeyId,
      principal: key.principalArn,
      active: key.active,
      created: new Date(key.createdAt).toISOString(),
    }));
    if (json) {
      process.stdout.write(`${JSON.stringify(keys)}\n`);
      return;
    }
    for (const { accessKeyId, principal, active, created } of keys) {
      const state = active ? 'active  ' : 'disabled';
      process.stdout.write(`${accessKeyId}  ${state}  ${created}  ${principal}\n`);
    }
  });
}

async function allAccessKeys(store: Store): Promise<readonly StoredAccessKey[]> {
  const keys: StoredAccessKey[] = [];
  let after: string | undefined;
  do {
    const page = await store.listPrincipals(PAGE, after);
    for (const { arn } of page.items) keys.push(...(await store.listAccessKeys(arn)));
    after = page.next;
  } while (after !== undefined);
  return keys;
}

export function setAccessKeyActive(config: Config, id: string, active: boolean): Promise<void> {
  return withDeployment(config, async ({ store }) => {
    try {
      await store.setAccessKeyActive(id, active);
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'NOT_FOUND') throw error;
      throw new Error(`there is no access key ${id}`);
    }
    process.stdout.write(`${id} ${active ? 'enabled' : 'disabled'}\n`);
  });
}
