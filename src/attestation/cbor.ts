/**
 * CBOR (RFC 8949) of strangers, decoded strictly: definite lengths, shortest integers, no double
 * keys, no tags but those named, nothing after the end, and containers no deeper than said. The
 * decoder is recursive, so that depth is what its stack depends on.
 */
import { type DecodeOptions, decode, type Token, Tokenizer } from 'cborg';
import { refusal } from './refusal.js';

const OPTIONS: DecodeOptions = Object.freeze({
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: false,
  strict: true,
  useMaps: true,
  rejectDuplicateMapKeys: true,
});

/** CBOR major types of containers. */
const ARRAY = 4;
const MAP = 5;
const TAG = 6;

/** Tokens of an input whose containers (and tags) nest at most `depthMax` deep. */
class ShallowTokenizer {
  readonly #inner: Tokenizer;
  readonly #depthMax: number;
  /** Of each open container: how many items it still waits for. */
  readonly #open: number[] = [];

  constructor(bytes: Uint8Array, depthMax: number) {
    this.#inner = new Tokenizer(bytes, OPTIONS);
    this.#depthMax = depthMax;
  }

  done(): boolean {
    return this.#inner.done();
  }

  pos(): number {
    return this.#inner.pos();
  }

  next(): Token {
    const token = this.#inner.next();
    const items = itemsOf(token);
    const open = this.#open;
    if (open.length > 0) open[open.length - 1]! -= 1;
    if (items > 0) {
      if (open.length === this.#depthMax) throw new RangeError('CBOR nests too deeply');
      open.push(items);
    }
    while (open.length > 0 && open[open.length - 1] === 0) open.pop();
    return token;
  }
}

/** Items that follow the token and belong to it. */
function itemsOf({ type, value }: Token): number {
  if (type.major === ARRAY) return Number(value);
  if (type.major === MAP) return 2 * Number(value);
  return type.major === TAG ? 1 : 0;
}

/**
 * The value of `bytes`: maps as Map, byte strings as Uint8Array. A tag is allowed when `tags` has a
 * decoder for its number.
 * @throws KmsError ValidationException
 */
export function decodeCbor(
  bytes: Uint8Array,
  depthMax: number,
  tags: NonNullable<DecodeOptions['tags']> = {},
): unknown {
  try {
    const tokenizer = new ShallowTokenizer(bytes, depthMax);
    return decode(bytes, { ...OPTIONS, tags, tokenizer });
  } catch (error) {
    throw refusal('it is no well-formed CBOR', error);
  }
}
