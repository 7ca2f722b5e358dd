/** A directory for SQLite files, and writers that tests can watch, hold and kill. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Store } from '../../src/store/port.js';
import type { Writer } from '../../src/store/sqlite/group-commit.js';
import { createSqliteStore, type SqliteStoreOptions } from '../../src/store/sqlite/sqlite-store.js';
import { ThreadWriter } from '../../src/store/sqlite/thread-writer.js';

export interface Rig {
  readonly directory: string;
  readonly path: string;
  open(options?: Partial<SqliteStoreOptions>): Promise<Store>;
  /** Closes what was opened, and removes the directory. */
  remove(): Promise<void>;
}

export function sqliteRig(): Rig {
  const directory = mkdtempSync(join(tmpdir(), 'keystrel-sqlite-'));
  const path = join(directory, 'keystrel.db');
  const stores: Store[] = [];
  return {
    directory,
    path,
    async open(options = {}) {
      const store = createSqliteStore({ path, ...options });
      stores.push(store);
      await store.open();
      return store;
    },
    async remove() {
      for (const store of stores.splice(0)) await store.close();
      rmSync(directory, { recursive: true });
    },
  };
}

export interface WatchedWriter {
  readonly openWriter: NonNullable<SqliteStoreOptions['openWriter']>;
  /** Mutations of each group handed to the thread. */
  readonly groups: number[];
  thread(): ThreadWriter;
  /** Groups wait until the returned function is called. */
  hold(): () => void;
}

export function watchedWriter(): WatchedWriter {
  const groups: number[] = [];
  let thread: ThreadWriter | undefined;
  let held: Promise<void> = Promise.resolve();
  return {
    groups,
    async openWriter(data): Promise<Writer> {
      const made = new ThreadWriter(data);
      thread = made;
      await made.start();
      return {
        async commit(group) {
          groups.push(group.length);
          await held;
          return made.commit(group);
        },
        close: () => made.close(),
      };
    },
    thread: () => thread!,
    hold() {
      let release = (): void => undefined;
      held = new Promise<void>((resolve) => {
        release = resolve;
      });
      return release;
    },
  };
}
