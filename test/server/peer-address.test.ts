/** Text forms of peer addresses, RFC 5952. */
import { expect, it } from 'vitest';
import { addressText } from '../../src/server/transports/peer-address.js';

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));

it.each([
  ['7f000001', '127.0.0.1'],
  ['ffffffff', '255.255.255.255'],
  ['00000000000000000000000000000001', '::1'],
  ['00000000000000000000000000000000', '::'],
  ['00000000000000000000ffff0a000102', '10.0.1.2'],
  ['20010db8000000000000000000000001', '2001:db8::1'],
  ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
  ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
  ['fe80000000000000000000000000abcd', 'fe80::abcd'],
  ['20010db8000100000000000000000000', '2001:db8:1::'],
  ['', ''],
])('%s is %s', (bytes, text) => {
  expect(addressText(hex(bytes))).toBe(text);
  expect(addressText(hex(bytes))).toBe(text);
});

it('stays right past its cache', () => {
  for (let i = 0; i < 3_000; i++) {
    expect(addressText(new Uint8Array([10, 0, i >> 8, i & 255]))).toBe(`10.0.${i >> 8}.${i & 255}`);
  }
});
