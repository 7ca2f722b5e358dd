/**
 * One open file of the audit log. Only its maker writes to it, whole groups of lines at a time.
 *
 * A group is in the file wholly or not at all: where a write ends early, the file is cut back to
 * where the group began. A file that cannot be cut back, or whose sync failed (its pages may have
 * been dropped, and a second fsync would not say so), is `damaged`: nothing is added to it again.
 */
import { constants } from 'node:fs';
import type { FileCalls } from './file-calls.js';

const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND;
const FILE_MODE = 0o600;

export class LogFile {
  readonly path: string;
  /** Bytes, whole lines only. */
  size = 0;
  damaged = false;
  readonly #fd: number;
  readonly #calls: FileCalls;

  private constructor(path: string, fd: number, calls: FileCalls) {
    this.path = path;
    this.#fd = fd;
    this.#calls = calls;
  }

  /** Creates the file, mode 0600. Rejects when it exists. */
  static async create(path: string, calls: FileCalls): Promise<LogFile> {
    return new LogFile(path, await calls.open(path, FLAGS, FILE_MODE), calls);
  }

  /** Appends on the event loop. @throws the error of node:fs; then nothing was appended */
  appendSync(bytes: Buffer, length: number): void {
    try {
      for (let done = 0; done < length; ) {
        done += progress(this.#calls.writeSync(this.#fd, bytes, done, length - done));
      }
    } catch (error) {
      this.#cutBack();
      throw error;
    }
    this.size += length;
  }

  /** Appends off the event loop; one at a time. Rejects as appendSync throws. */
  async append(bytes: Buffer, length: number): Promise<void> {
    try {
      for (let done = 0; done < length; ) {
        done += progress(await this.#calls.write(this.#fd, bytes, done, length - done));
      }
    } catch (error) {
      this.#cutBack();
      throw error;
    }
    this.size += length;
  }

  /** Resolves when all that was appended is on stable storage. */
  async datasync(): Promise<void> {
    try {
      await this.#calls.datasync(this.#fd);
    } catch (error) {
      this.damaged = true;
      throw error;
    }
  }

  /** True when the file has been removed from its directory. */
  removed(): boolean {
    return this.#calls.linksSync(this.#fd) === 0;
  }

  /** Syncs and closes; rejects when either failed, closed in any case. */
  async close(): Promise<void> {
    try {
      await this.#calls.sync(this.#fd);
    } finally {
      await this.#calls.close(this.#fd);
    }
  }

  #cutBack(): void {
    try {
      this.#calls.truncateSync(this.#fd, this.size);
    } catch {
      // The cause is the failed write, which the caller throws on.
      this.damaged = true;
    }
  }
}

/** A write of nothing that is no error would be tried for ever. */
function progress(written: number): number {
  if (written > 0) return written;
  throw Object.assign(new Error('a write of the audit log made no progress'), { code: 'EIO' });
}
