/** Texts of objects that come again and again, kept in one piece. */
import { jsonText } from './json-text.js';

/** The same ASCII text as one piece, which is cheaper to copy again and again. */
export function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** Ours: objects kept, a power of two, and the longest text of one in characters. */
const OBJECTS_KEPT = 256;
const OBJECT_CHARS_MAX = 1_024;

/** An object of strings alone, as it came. */
interface KeptObject {
  readonly names: readonly string[];
  readonly values: readonly string[];
  text: string;
  /** Asked for again, so that its text was made one piece. */
  again: boolean;
}

/**
 * Texts of objects, with what stands before and after them. Requests of one kind bring the same
 * object again and again: comparing its members costs less than putting its text together.
 */
export class ObjectTexts {
  readonly #before: string;
  readonly #after: string;
  readonly #charsMax: number;
  readonly #kept = new Array<KeptObject | undefined>(OBJECTS_KEPT).fill(undefined);

  /** `charsMax`: an object beyond it is left out, and said to be. */
  constructor(before: string, after: string, charsMax: number) {
    this.#before = before;
    this.#after = after;
    this.#charsMax = charsMax;
  }

  /** @throws TypeError for anything that jsonText refuses */
  textOf(value: object): string {
    const place = placeOf(value);
    if (place === NOT_KEPT) return this.#make(value);
    const kept = this.#kept[place];
    if (kept !== undefined && isKept(kept, value)) {
      if (!kept.again) {
        kept.again = true;
        kept.text = flat(kept.text);
      }
      return kept.text;
    }
    const text = this.#make(value);
    if (text.length <= OBJECT_CHARS_MAX) this.#keep(place, value, text);
    return text;
  }

  #make(value: object): string {
    return this.#before + boundedText(value, this.#charsMax) + this.#after;
  }

  #keep(place: number, value: object, text: string): void {
    const names: string[] = [];
    const values: string[] = [];
    for (const [name, member] of Object.entries(value)) {
      if (member === undefined) continue;
      names.push(name);
      values.push(member as string);
    }
    this.#kept[place] = { names, values, text, again: false };
  }
}

const NOT_KEPT = -1;

/** Where an object of strings is kept; NOT_KEPT for an empty one and for any other. */
function placeOf(value: object): number {
  let place = 0;
  let any = false;
  for (const name in value) {
    const member = (value as Record<string, unknown>)[name];
    if (member === undefined) continue;
    if (typeof member !== 'string') return NOT_KEPT;
    const { length } = member;
    any = true;
    place = 31 * (place & 0xffff) + name.length + length;
    if (length > 2) place += member.charCodeAt(length - 1) + 7 * member.charCodeAt(length - 2);
  }
  return any ? place & (OBJECTS_KEPT - 1) : NOT_KEPT;
}

function isKept(kept: KeptObject, value: object): boolean {
  const { names, values } = kept;
  let i = 0;
  for (const name in value) {
    const member = (value as Record<string, unknown>)[name];
    if (member === undefined) continue;
    if (names[i] !== name || values[i] !== member) return false;
    i++;
  }
  return i === names.length;
}

/** An object whose text is longer is left out, and said to be. */
export function boundedText(value: object | null, charsMax: number): string {
  if (value === null) return 'null';
  const text = jsonText(value);
  return text.length <= charsMax ? text : `{"omitted":true,"originalSize":${text.length}}`;
}
