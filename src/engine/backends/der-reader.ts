/** Reads DER (X.690) strictly, for structures that no library here reads. */
import { STATUS } from '../frame-layout.js';
import { JobStatus } from './node-keys.js';

function bad(): JobStatus {
  return new JobStatus(STATUS.BAD_INPUT);
}

/** Reads from front to back; lengths below 65,536. */
export class DerReader {
  #rest: Buffer;

  constructor(bytes: Buffer) {
    this.#rest = bytes;
  }

  get ended(): boolean {
    return this.#rest.length === 0;
  }

  /** The content of the next value. @throws JobStatus BAD_INPUT when it is none of that tag */
  read(tag: number): Buffer {
    const content = this.find(tag);
    if (content === undefined) throw bad();
    return content;
  }

  /** As `read`; undefined where the next value has another tag, or there is none. */
  find(tag: number): Buffer | undefined {
    const bytes = this.#rest;
    if (bytes[0] !== tag) return undefined;
    const first = bytes[1] ?? 0xff;
    const extra = first < 0x80 ? 0 : first - 0x80;
    if (extra > 2 || bytes.length < 2 + extra) throw bad();
    const length = extra === 0 ? first : bytes.readUIntBE(2, extra);
    const end = 2 + extra + length;
    const shortest = extra === 0 || length >= (extra === 1 ? 0x80 : 0x100);
    if (!shortest || end > bytes.length) throw bad();
    this.#rest = bytes.subarray(end);
    return bytes.subarray(2 + extra, end);
  }
}
