/**
 * JSON text in ASCII alone: everything from U+007F on is escaped (RFC 8259 section 7).
 *
 * What clients send reaches the log. In ASCII no line separator (U+0085, U+2028), terminal control
 * (U+009B), or direction mark can pass for something else, whatever reads the file.
 *
 * Written by hand because it is on the way of every request: most strings need no escape at all,
 * and asking that costs half of what JSON.stringify does. Most strings also come again (names of
 * members, keys, algorithms): for those the text is kept, and comparing is cheaper still.
 */

/** Anything that a JSON string in ASCII has to escape. */
const SPECIAL = /[^ !#-[\]-~]/;
const BEYOND_ASCII = /[\x7f-\uffff]/g;

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Ours: strings whose text is kept, a power of two, and the longest of them in characters. */
const KEPT = 256;
const KEPT_CHARS_MAX = 256;
const keptStrings: string[] = new Array<string>(KEPT).fill('');
const keptTexts: string[] = new Array<string>(KEPT).fill('""');

/** The string as a JSON string with its quotes. Lone surrogates survive, escaped. */
export function jsonString(text: string): string {
  const { length } = text;
  if (length === 0) return '""';
  if (length > KEPT_CHARS_MAX) return makeText(text);
  const ends =
    text.charCodeAt(0) + 5 * text.charCodeAt(length >> 1) + 31 * text.charCodeAt(length - 1);
  const place = (ends + 7 * length) & (KEPT - 1);
  if (keptStrings[place] !== text) {
    keptStrings[place] = text;
    keptTexts[place] = makeText(text);
  }
  return keptTexts[place]!;
}

/** Names of members that this program gives; those of clients (maps) are never more than a few. */
const NAMES_MAX = 1_024;
const names = new Map<string, string>();
const firstNames = new Map<string, string>();

/** `,"name":` */
function nameText(name: string): string {
  return names.get(name) ?? keepName(names, name, `,${jsonString(name)}:`);
}

/** `{"name":` */
function firstNameText(name: string): string {
  return firstNames.get(name) ?? keepName(firstNames, name, `{${jsonString(name)}:`);
}

function keepName(kept: Map<string, string>, name: string, text: string): string {
  if (name.length <= KEPT_CHARS_MAX && kept.size < NAMES_MAX) kept.set(name, text);
  return text;
}

function makeText(text: string): string {
  return SPECIAL.test(text) ? JSON.stringify(text).replace(BEYOND_ASCII, escaped) : `"${text}"`;
}

/**
 * The value as JSON.stringify writes it, but in ASCII: plain objects, arrays, strings, numbers,
 * booleans and null; members that are undefined are left out.
 * @throws TypeError for any other value
 */
export function jsonText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return jsonString(value);
    case 'number':
      return Number.isFinite(value) ? String(value) : 'null';
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? arrayText(value) : objectText(value);
    default:
      throw new TypeError(`JSON has no ${typeof value}`);
  }
}

function arrayText(values: readonly unknown[]): string {
  let text = '[';
  for (let i = 0; i < values.length; i++) text += (i === 0 ? '' : ',') + jsonText(values[i]);
  return `${text}]`;
}

function objectText(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    // A date, a map or bytes would come out as something that nobody meant.
    throw new TypeError('not a plain object');
  }
  let text = '';
  // A plain object inherits nothing enumerable.
  for (const name in value) {
    const member = (value as Record<string, unknown>)[name];
    if (member === undefined) continue;
    text += (text === '' ? firstNameText(name) : nameText(name)) + jsonText(member);
  }
  return text === '' ? '{}' : `${text}}`;
}
