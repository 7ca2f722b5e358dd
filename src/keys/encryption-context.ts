/**
 * Canonical bytes of an encryption context, which are authenticated with the ciphertext.
 *
 * Per pair, in ascending order of the names by UTF-16 code units:
 *
 *   u32 name length | name in UTF-8 | u32 value length | value in UTF-8        (big-endian, bytes)
 *
 * Every part is preceded by its length, so that different contexts give different bytes. No pairs
 * give no bytes: an empty context is the same as none. The form is part of the ciphertext format
 * (docs/ciphertext-format.md) and must not change.
 */
import { KmsError } from '../core/errors.js';
import { ENCRYPTION_CONTEXT_CHARS_MAX } from '../core/limits.js';

const NONE = Buffer.alloc(0);
/** Two lengths. */
const PAIR_OVERHEAD_BYTES = 8;
/** A UTF-16 code unit takes at most 3 bytes in UTF-8. */
const BYTES_PER_UNIT_MAX = 3;

function tooLong(): KmsError {
  return new KmsError(
    'ValidationException',
    "1 validation error detected: Value at 'encryptionContext' failed to satisfy constraint: " +
      `Member must have length less than or equal to ${ENCRYPTION_CONTEXT_CHARS_MAX}`,
  );
}

/** Writes length and text at `at`; returns the end. @throws ValidationException */
function put(target: Buffer, at: number, text: string): number {
  const start = at + 4;
  let end = start;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) {
      end = start + putUtf8(target, start, text);
      break;
    }
    target[end] = unit;
    end += 1;
  }
  target.writeUInt32BE(end - start, at);
  return end;
}

/** A lone surrogate has no UTF-8 form: all would become the same replacement character. */
function putUtf8(target: Buffer, at: number, text: string): number {
  for (let i = 0; i < text.length; i += 1) {
    const point = text.codePointAt(i)!;
    if (point >= 0xd800 && point <= 0xdfff) {
      throw new KmsError('ValidationException', 'EncryptionContext is not well-formed Unicode.');
    }
    if (point > 0xffff) i += 1;
  }
  return target.write(text, at, 'utf8');
}

/**
 * Gives the canonical bytes; the caller must not change them.
 * @throws ValidationException when names and values together have too many characters, or when
 *   one is not well-formed Unicode
 */
export function canonicalContext(context: Readonly<Record<string, string>> | undefined): Buffer {
  if (context === undefined) return NONE;
  const names = Object.keys(context);
  if (names.length === 0) return NONE;
  if (names.length > 1) names.sort();
  let units = 0;
  for (const name of names) units += name.length + context[name]!.length;
  if (units > ENCRYPTION_CONTEXT_CHARS_MAX) throw tooLong();
  const bytes = Buffer.allocUnsafe(names.length * PAIR_OVERHEAD_BYTES + units * BYTES_PER_UNIT_MAX);
  let end = 0;
  for (const name of names) {
    end = put(bytes, end, name);
    end = put(bytes, end, context[name]!);
  }
  return bytes.subarray(0, end);
}
