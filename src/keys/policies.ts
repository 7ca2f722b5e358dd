/** Key policies as the domain keeps them: text, and the principals that it may name. */
import type { Store } from '../store/port.js';
import { storeFailure } from './failures.js';
import type { Key } from './key.js';
import type { KeyChanges } from './key-changes.js';

export interface PoliciesParts {
  readonly store: Store;
  readonly changes: KeyChanges;
  /** False where principals are not known: in development mode every name is someone. */
  readonly principalsKnown: boolean;
}

export class Policies {
  readonly #parts: PoliciesParts;

  constructor(parts: PoliciesParts) {
    this.#parts = parts;
  }

  async put(key: Key, policy: string): Promise<void> {
    await this.#parts.changes.change('PutKeyPolicy', key, (record) =>
      record.policy === policy ? undefined : { policy },
    );
  }

  /** `arn`: of a user or role of an account of this deployment. */
  async principalExists(arn: string): Promise<boolean> {
    const { store, principalsKnown } = this.#parts;
    if (!principalsKnown) return true;
    try {
      return (await store.getPrincipal(arn)) !== undefined;
    } catch (error) {
      throw storeFailure(error);
    }
  }
}
