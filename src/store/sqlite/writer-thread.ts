/**
 * The writer thread: the only writer of this process. An fsync may take long; here it blocks no
 * request. A programmer's error ends the thread, which its owner sees.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Mutation } from '../mutations.js';
import type { StoreErrorCode } from '../port.js';
import { openForWriting } from './connection.js';
import { GroupCommitter, type Outcome } from './group-commit.js';
import { translateSqliteError } from './sqlite-errors.js';

export interface WriterData {
  readonly path: string;
  readonly maxPages: number | undefined;
  readonly changesKept: number | undefined;
}

export type ToWriter =
  | { readonly kind: 'commit'; readonly group: readonly Mutation[] }
  | { readonly kind: 'close' };

export type FromWriter =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly code: StoreErrorCode; readonly message: string }
  | { readonly kind: 'done'; readonly outcomes: readonly Outcome[] };

function serve(data: WriterData, tell: (message: FromWriter) => void): void {
  const db = openForWriting(data.path, data.maxPages);
  const committer = new GroupCommitter(db, data.changesKept);
  parentPort!.on('message', (message: ToWriter) => {
    if (message.kind === 'commit') {
      tell({ kind: 'done', outcomes: committer.commit(message.group) });
      return;
    }
    db.close();
    parentPort!.close();
  });
  tell({ kind: 'ready' });
}

const tell = (message: FromWriter) => parentPort!.postMessage(message);
try {
  serve(workerData as WriterData, tell);
} catch (error) {
  const { code, message } = translateSqliteError(error);
  tell({ kind: 'failed', code, message });
}
