/** SQLite's result codes (https://www.sqlite.org/rescode.html) as the port's errors: one place. */
import { StoreError, type StoreErrorCode } from '../port.js';

const CODES: readonly (readonly [prefix: string, code: StoreErrorCode, message: string])[] = [
  ['SQLITE_FULL', 'FULL', 'no space is left for the database'],
  // The shared index of the write-ahead log could not grow.
  ['SQLITE_IOERR_SHMSIZE', 'FULL', 'no space is left for the database'],
  ['SQLITE_CORRUPT', 'CORRUPT', 'the database is damaged'],
  ['SQLITE_NOTADB', 'CORRUPT', 'the file is not a database'],
  ['SQLITE_CONSTRAINT_FOREIGNKEY', 'NOT_FOUND', 'a row that is referred to is absent'],
  ['SQLITE_CONSTRAINT_PRIMARYKEY', 'CONFLICT', 'the row exists'],
  ['SQLITE_CONSTRAINT_UNIQUE', 'CONFLICT', 'the row exists'],
];

/** Gives StoreError for whatever was thrown; the cause stays inside, its code is in the message. */
export function translateSqliteError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string') {
    return new StoreError('UNAVAILABLE', 'the database cannot be used', error);
  }
  const row = CODES.find(([prefix]) => code.startsWith(prefix));
  if (row !== undefined) return new StoreError(row[1], `${row[2]} (${code})`, error);
  return new StoreError('UNAVAILABLE', `the database cannot be used (${code})`, error);
}

/** Codes that concern one statement's values and leave the transaction as it was. */
const OWN_FAULTS = /^SQLITE_(CONSTRAINT|TOOBIG|MISMATCH|RANGE)/;

/** True where a mutation failed for its own sake (refused, or malformed): its neighbours go on. */
export function isOwnFault(error: unknown): boolean {
  if (error instanceof StoreError) return true;
  const code = (error as { code?: unknown } | null)?.code;
  // better-sqlite3 refuses a value that it cannot bind with a plain TypeError or RangeError.
  return typeof code === 'string' ? OWN_FAULTS.test(code) : true;
}
