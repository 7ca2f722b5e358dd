/** DER (X.690) of the few structures that keys come in, for libraries that know raw keys only. */

export const SEQUENCE = 0x30;
export const INTEGER = 0x02;
export const BITS = 0x03;
export const OCTETS = 0x04;
/** Context-specific tag 0, primitive: the seed of RFC 9881 and RFC 9935. */
export const CONTEXT_0 = 0x80;

/** DER of one value; lengths below 65,536. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const n = content.length;
  const length = n < 128 ? [n] : n < 256 ? [0x81, n] : [0x82, n >> 8, n & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const VERSION_0 = Buffer.from([INTEGER, 1, 0]);
const NO_UNUSED_BITS = Buffer.alloc(1);

/** SubjectPublicKeyInfo (RFC 5280) of raw key bytes. `algorithm`: DER inside AlgorithmIdentifier. */
export function spkiOf(algorithm: Uint8Array, publicKey: Uint8Array): Buffer {
  return der(SEQUENCE, der(SEQUENCE, algorithm), der(BITS, NO_UNUSED_BITS, publicKey));
}

/** PrivateKeyInfo (RFC 5208). `key`: what its octet string holds. */
export function pkcs8Of(algorithm: Uint8Array, key: Uint8Array): Buffer {
  return der(SEQUENCE, VERSION_0, der(SEQUENCE, algorithm), der(OCTETS, key));
}
