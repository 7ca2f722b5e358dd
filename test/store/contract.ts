/**
 * The contract of the store's port, for every adapter: `storeContract(name, make)` defines its
 * tests. An adapter's own tests add only what is peculiar to it.
 */
import { afterEach, beforeEach, describe } from 'vitest';
import type { Store } from '../../src/store/port.js';
import { aliasContract } from './contract-aliases.js';
import { changeContract } from './contract-changes.js';
import { concurrencyContract } from './contract-concurrency.js';
import { grantContract } from './contract-grants.js';
import { identityContract } from './contract-identities.js';
import { keyContract } from './contract-keys.js';
import { relatedContract } from './contract-related.js';
import { rotationContract } from './contract-rotation.js';
import { tagContract } from './contract-tags.js';

/** A fresh, empty database. */
export interface Database {
  /** Another instance, opened, on the same database. */
  open(): Promise<Store>;
  /** Removes what is left; every instance is closed before. */
  remove(): Promise<void>;
}

export interface ContractOptions {
  /** False for a database that only one instance can open. */
  readonly shared: boolean;
}

/** What the tests of a contract work with; each test has an empty database. */
export interface Subject {
  readonly store: Store;
  /** Opens another instance; closed after the test. */
  another(): Promise<Store>;
}

export function storeContract(
  name: string,
  make: () => Promise<Database>,
  options: ContractOptions = { shared: true },
): void {
  describe(`store contract: ${name}`, () => {
    let database: Database;
    let store: Store | undefined;
    const stores: Store[] = [];

    beforeEach(async () => {
      database = await make();
      store = await database.open();
      stores.push(store);
    });
    afterEach(async () => {
      for (const opened of stores.splice(0)) await opened.close();
      await database.remove();
    });

    const subject: Subject = {
      get store() {
        return store!;
      },
      async another() {
        const opened = await database.open();
        stores.push(opened);
        return opened;
      },
    };
    keyContract(subject);
    relatedContract(subject);
    rotationContract(subject);
    aliasContract(subject);
    tagContract(subject);
    grantContract(subject);
    identityContract(subject);
    changeContract(subject);
    if (options.shared) concurrencyContract(subject);
  });
}
