/**
 * The directory of the audit log: names of files, and the repair of what a crash left.
 *
 *     keystrel-audit-20261124T181500Z-4242-9f86d081-0001.jsonl
 *                    time made (UTC)  pid  random   number
 *
 * Every process writes files of its own, so that several may share a directory on one host. A
 * process that was killed inside write(2) can leave a last line without its end. No reply was
 * released for such a line; the next start moves it to a file `<name>.torn`.
 */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';

const DIRECTORY_MODE = 0o700;
const NAME = /^keystrel-audit-\d{8}T\d{6}Z-(\d+)-([0-9a-f]{8})-\d+\.jsonl$/;
const PROBE = /^keystrel-audit-probe-(\d+)-([0-9a-f]{8})$/;
/** Files looked at by a repair, the newest. */
const REPAIR_FILES_MAX = 1_000;
const CHUNK_BYTES = 65_536;
const NEWLINE = 10;

/** Random parts in use by this process: a pid alone may be that of a predecessor in a container. */
const ours = new Set<string>();

export class LogDirectory {
  readonly path: string;
  readonly #id = randomBytes(4).toString('hex');
  #number = 0;

  /** Makes the directory, mode 0700, where there is none. @throws the error of node:fs */
  constructor(path: string) {
    this.path = path;
    ours.add(this.#id);
    this.make();
  }

  make(): void {
    fs.mkdirSync(this.path, { recursive: true, mode: DIRECTORY_MODE });
  }

  /** Path of the next file of this process. */
  nextFile(nowMs: number): string {
    const time = new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
    this.#number += 1;
    const number = String(this.#number).padStart(4, '0');
    return join(this.path, `keystrel-audit-${time}Z-${process.pid}-${this.#id}-${number}.jsonl`);
  }

  /** Path of the file with which this process finds out whether writing works again. */
  probeFile(): string {
    return join(this.path, `keystrel-audit-probe-${process.pid}-${this.#id}`);
  }

  /** Nothing of this process is written any more. */
  release(): void {
    ours.delete(this.#id);
  }

  /**
   * Moves torn last lines of processes that are gone to `.torn` files. A file that cannot be
   * repaired, for want of space say, stays as it is: nothing is ever appended to it.
   */
  repair(): void {
    const names = fs.readdirSync(this.path).sort();
    for (const name of names.filter((each) => PROBE.test(each))) {
      if (!inUse(PROBE.exec(name)!)) this.#tried(() => fs.unlinkSync(join(this.path, name)));
    }
    for (const name of names.filter((each) => NAME.test(each)).slice(-REPAIR_FILES_MAX)) {
      if (!inUse(NAME.exec(name)!)) this.#tried(() => isolateTornLine(join(this.path, name)));
    }
  }

  /** Another process may be repairing too, and the disk may be full: see `repair`. */
  #tried(act: () => void): void {
    try {
      act();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    }
  }
}

/** True while the process that a name tells of may be writing to it. */
function inUse([, pid, id]: RegExpExecArray): boolean {
  if (Number(pid) === process.pid) return ours.has(id!);
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function isolateTornLine(path: string): void {
  const fd = fs.openSync(path, 'r+');
  try {
    const { size } = fs.fstatSync(fd);
    const end = endOfLines(fd, size);
    if (end === size) return;
    const torn = Buffer.alloc(size - end);
    fs.readSync(fd, torn, 0, torn.length, end);
    fs.writeFileSync(`${path}.torn`, torn, { mode: 0o600, flag: 'a' });
    fs.ftruncateSync(fd, end);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Bytes up to the end of the last whole line. */
function endOfLines(fd: number, size: number): number {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const length = fs.readSync(fd, chunk, 0, end - start, start);
    const at = chunk.subarray(0, length).lastIndexOf(NEWLINE);
    if (at !== -1) return start + at + 1;
    end = start;
  }
  return 0;
}
