/**
 * BlobInput is a base64 blob of a request that is decoded only once, straight into the engine's
 * frame: no intermediate Buffer is made on the hot path.
 *
 * Encoding: RFC 4648 section 4 with padding, as the AWS JSON 1.1 protocol sends blobs.
 */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const PAD = 61;
/** By code unit: 1 for characters of the alphabet. */
const IN_ALPHABET = new Uint8Array(128);
for (const char of ALPHABET) IN_ALPHABET[char.charCodeAt(0)] = 1;

/** Number of '=' at the end, 0 to 2. */
function paddingOf(text: string): number {
  const n = text.length;
  if (n < 4 || text.charCodeAt(n - 1) !== PAD) return 0;
  return text.charCodeAt(n - 2) === PAD ? 2 : 1;
}

/** True for well-formed padded base64. */
function isBase64(text: string, padding: number): boolean {
  if ((text.length & 3) !== 0) return false;
  const end = text.length - padding;
  const whole = end & ~3;
  let i = 0;
  // Undefined past the table, and then 0.
  for (; i < whole; i += 4) {
    const four =
      IN_ALPHABET[text.charCodeAt(i)]! &
      IN_ALPHABET[text.charCodeAt(i + 1)]! &
      IN_ALPHABET[text.charCodeAt(i + 2)]! &
      IN_ALPHABET[text.charCodeAt(i + 3)]!;
    if (four !== 1) return false;
  }
  for (; i < end; i++) {
    if (IN_ALPHABET[text.charCodeAt(i)] !== 1) return false;
  }
  return true;
}

export class BlobInput {
  readonly base64: string;
  /** Decoded length in bytes. */
  readonly length: number;
  /** The front of `base64`, once it was found to be that of a known key's ciphertexts. */
  knownFront: string | undefined;

  private constructor(base64: string, padding: number) {
    this.base64 = base64;
    this.length = (base64.length >> 2) * 3 - padding;
    this.knownFront = undefined;
  }

  /** Returns undefined when `text` is not well-formed padded base64. */
  static parse(text: string): BlobInput | undefined {
    const padding = paddingOf(text);
    return isBase64(text, padding) ? new BlobInput(text, padding) : undefined;
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

/** Base64Text is a text made by a base64 encoder, of bytes that may have been wiped since. */
export class Base64Text {
  readonly text: string;

  constructor(bytes: Buffer) {
    this.text = bytes.toString('base64');
  }
}

/** AsciiInput is a text of ASCII characters that is written straight into the engine's frame. */
export class AsciiInput {
  readonly length: number;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
    this.length = text.length;
  }

  /** Writes one byte per character into `target` at `offset`; returns their number. */
  writeInto(target: Buffer, offset: number): number {
    return target.write(this.text, offset, this.length, 'latin1');
  }
}

/** What engine jobs take as input bytes. */
export type Payload = Uint8Array | BlobInput | AsciiInput;
