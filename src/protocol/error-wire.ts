/** KmsError on the wire: status, `__type`, and the text in the member that AWS uses for it. */
import { ERRORS, type ErrorCode, type ErrorRow, type KmsError } from '../core/errors.js';
import { quote } from './codec.js';

export interface WireError {
  readonly status: number;
  readonly body: string;
}

/** The reply to a refused request. An error without text has no text member at all. */
export function errorToWire(error: KmsError): WireError {
  const { status } = error.row;
  return { status, body: errorBody(error.code, error.message) };
}

/** `{"__type":"…"}`, with the text where there is one. */
export function errorBody(code: ErrorCode, text: string): string {
  if (text === '') return `{"__type":"${code}"}`;
  const row: ErrorRow = ERRORS[code];
  return `{"__type":"${code}","${row.member ?? 'message'}":${quote(text)}}`;
}
