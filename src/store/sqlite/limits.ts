/** Limits of the SQLite adapter. */

/** Mutations that may wait; one more is refused with UNAVAILABLE. */
export const MUTATIONS_WAITING_MAX = 4_096;
/** Mutations that one transaction takes. */
export const GROUP_MUTATIONS_MAX = 256;
/** Changes that the feed keeps; a reader that is further behind is told to reset. */
export const CHANGES_KEPT = 10_000;
/** Changes that are delivered one by one at a time; a reader with more to read is told to reset. */
export const CHANGES_DELIVERED_MAX = 1_000;
/** Milliseconds between looks for changes of other processes. */
export const CHANGES_POLL_MS = 200;
/** Milliseconds that one process waits for another's write transaction. */
export const BUSY_TIMEOUT_MS = 5_000;
/** Bytes that the write-ahead log keeps after a checkpoint. */
export const WAL_KEPT_BYTES = 16 * 1024 * 1024;
/** Compiled statements that a connection keeps. */
export const STATEMENTS_MAX = 512;
