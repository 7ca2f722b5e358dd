/** The system calls of the audit files as a port, so that tests can make each of them fail. */
import * as fs from 'node:fs';
import { promisify } from 'node:util';

/** Each method throws or rejects with the error of node:fs. */
export interface FileCalls {
  open(path: string, flags: number, mode: number): Promise<number>;
  /** Resolves to the bytes written, which may be fewer than asked. Off the event loop. */
  write(fd: number, bytes: Buffer, offset: number, length: number): Promise<number>;
  /** The same on the event loop. */
  writeSync(fd: number, bytes: Buffer, offset: number, length: number): number;
  truncateSync(fd: number, length: number): void;
  /** fdatasync(2). */
  datasync(fd: number): Promise<void>;
  /** fsync(2). */
  sync(fd: number): Promise<void>;
  close(fd: number): Promise<void>;
  /** Names that the file still has in directories. */
  linksSync(fd: number): number;
}

const write = promisify(fs.write);

export const systemFileCalls: FileCalls = Object.freeze({
  open: promisify(fs.open),
  async write(fd: number, bytes: Buffer, offset: number, length: number) {
    return (await write(fd, bytes, offset, length, null)).bytesWritten;
  },
  writeSync: (fd: number, bytes: Buffer, offset: number, length: number) =>
    fs.writeSync(fd, bytes, offset, length),
  truncateSync: fs.ftruncateSync,
  datasync: promisify(fs.fdatasync),
  sync: promisify(fs.fsync),
  close: promisify(fs.close),
  linksSync: (fd: number) => fs.fstatSync(fd).nlink,
});
