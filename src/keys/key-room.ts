/** How many customer managed keys an account may have in a Region. */
import { KmsError } from '../core/errors.js';
import type { ResourceQuotas } from '../core/limits.js';
import type { Scope, Store } from '../store/port.js';
import { storeFailure } from './failures.js';

export interface KeyRoom {
  readonly store: Store;
  readonly quotas: Pick<ResourceQuotas, 'keys'>;
}

/** @throws LimitExceededException when there is no room for one more */
export async function requireKeyRoom({ store, quotas }: KeyRoom, scope: Scope): Promise<void> {
  let count: number;
  try {
    count = await store.countKeys(scope);
  } catch (error) {
    throw storeFailure(error);
  }
  if (count < quotas.keys) return;
  throw new KmsError(
    'LimitExceededException',
    `The account has reached the limit of ${quotas.keys} KMS keys in this Region.`,
  );
}
