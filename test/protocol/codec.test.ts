/** Targets, outputs and errors of AWS JSON 1.1. */
import { describe, expect, it } from 'vitest';
import { ERRORS, type ErrorCode, KmsError } from '../../src/core/errors.js';
import { encodeOutput, operationOf, quote, targetOf } from '../../src/protocol/codec.js';
import { errorToWire } from '../../src/protocol/error-wire.js';

describe('targets', () => {
  it('names the operation', () => {
    expect(operationOf(targetOf('Encrypt'))).toBe('Encrypt');
  });

  it.each([
    '',
    'Encrypt',
    'TrentService',
    'TrentService.',
    'DynamoDB_20120810.ListTables',
    'trentservice.Encrypt',
    ' TrentService.Encrypt',
  ])('refuses %j', (target) => {
    expect(() => operationOf(target)).toThrow(
      expect.objectContaining({ code: 'UnknownOperationException' }),
    );
  });
});

describe('outputs', () => {
  it('writes bytes, dates, nesting and leaves undefined out', () => {
    const text = encodeOutput({
      CiphertextBlob: Buffer.from([0, 255, 16]),
      View: new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
      CreationDate: new Date(1_568_290_320_123),
      Number: 7,
      Flag: false,
      Nothing: null,
      Absent: undefined,
      Keys: [{ KeyId: 'a"b\\c\n' }, 'é'],
      Empty: {},
    });
    expect(JSON.parse(text)).toEqual({
      CiphertextBlob: 'AP8Q',
      View: 'AgM=',
      CreationDate: 1_568_290_320.123,
      Number: 7,
      Flag: false,
      Nothing: null,
      Keys: [{ KeyId: 'a"b\\c\n' }, 'é'],
      Empty: {},
    });
  });

  it('writes ASCII alone, and the same text to who reads it', () => {
    const Description = 'Schlüssel 鍵 🔑 \u2028 \u0000 \u007f \ud800 "\\';
    const text = encodeOutput({ Description });
    expect(text).toMatch(/^[ -~]*$/);
    expect(JSON.parse(text)).toEqual({ Description });
    const { body } = errorToWire(new KmsError('NotFoundException', Description));
    expect(body).toMatch(/^[ -~]*$/);
    expect(JSON.parse(body)).toEqual({ __type: 'NotFoundException', message: Description });
  });

  it('writes nothing for an operation without output', () => {
    expect(encodeOutput(undefined)).toBe('');
    expect(encodeOutput({})).toBe('{}');
  });

  it('refuses what has no JSON form', () => {
    expect(() => encodeOutput({ n: Number.NaN })).toThrow(TypeError);
    expect(() => encodeOutput({ f: () => 1 })).toThrow(TypeError);
  });

  it('quotes every character as JSON.stringify does', () => {
    for (let code = 0; code < 0x300; code++) {
      const text = `a${String.fromCharCode(code)}b`;
      expect(JSON.parse(quote(text))).toBe(text);
    }
    expect(JSON.parse(quote('\ud800'))).toBe('\ud800');
  });
});

describe('errors', () => {
  it.each(Object.keys(ERRORS) as ErrorCode[])('%s has its status and its type', (code) => {
    const wire = errorToWire(new KmsError(code));
    expect(wire.status).toBe(ERRORS[code].status);
    expect(JSON.parse(wire.body).__type).toBe(code);
  });

  it('leaves the text member out where there is no text', () => {
    expect(errorToWire(new KmsError('InvalidCiphertextException')).body).toBe(
      '{"__type":"InvalidCiphertextException"}',
    );
  });

  it('writes Message for AccessDeniedException and message for the others', () => {
    const denied = errorToWire(new KmsError('AccessDeniedException', 'User: "x"'));
    expect(JSON.parse(denied.body)).toEqual({
      __type: 'AccessDeniedException',
      Message: 'User: "x"',
    });
    const absent = errorToWire(new KmsError('NotFoundException', 'gone'));
    expect(JSON.parse(absent.body)).toEqual({ __type: 'NotFoundException', message: 'gone' });
  });

  it('keeps the cause off the wire', () => {
    const error = new KmsError('KMSInternalException', undefined, new Error('inside'));
    expect(errorToWire(error).body).toBe('{"__type":"KMSInternalException"}');
  });
});
