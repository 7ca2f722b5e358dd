/**
 * BlobInput is a base64 blob of a request that is decoded only once, straight into the engine's
 * frame: no intermediate Buffer is made on the hot path.
 *
 * Encoding: RFC 4648 section 4 with padding, as the AWS JSON 1.1 protocol sends blobs.
 */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export class BlobInput {
  readonly base64: string;
  /** Decoded length in bytes. */
  readonly length: number;

  private constructor(base64: string) {
    this.base64 = base64;
    const n = base64.length;
    const padding =
      n > 0 && base64.charCodeAt(n - 1) === 61 ? (base64.charCodeAt(n - 2) === 61 ? 2 : 1) : 0;
    this.length = (n >> 2) * 3 - padding;
  }

  /** Returns undefined when `text` is not well-formed padded base64. */
  static parse(text: string): BlobInput | undefined {
    return BASE64.test(text) ? new BlobInput(text) : undefined;
  }

  /** Decodes into `target` at `offset`; returns the number of bytes written. */
  writeInto(target: Buffer, offset: number): number {
    return target.write(this.base64, offset, this.length, 'base64');
  }

  /** Decodes into a fresh Buffer (cold paths). */
  toBuffer(): Buffer {
    return Buffer.from(this.base64, 'base64');
  }
}

/** What engine jobs take as input bytes. */
export type Payload = Uint8Array | BlobInput;
