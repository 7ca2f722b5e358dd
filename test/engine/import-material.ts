/** Key material made outside the product and encrypted as its importers do, for tests. */
import {
  constants,
  createCipheriv,
  createPublicKey,
  generateKeyPairSync,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import type { KeySpec } from '../../src/core/records.js';
import { keySpecRow } from '../../src/specs/key-specs.js';
import { opensslSm2Encrypt } from '../openssl-sm2.js';

const generated = new Map<string, Buffer>();

/** Fresh secret bytes, or one private key per spec in DER PKCS#8. */
export function foreignMaterial(spec: KeySpec): Buffer {
  const row = keySpecRow(spec);
  if (row.family === 'symmetric' || row.family === 'hmac') return randomBytes(row.sizeBytes);
  const known = generated.get(spec);
  if (known !== undefined) return Buffer.from(known);
  const made = freshPrivateKey(spec);
  generated.set(spec, made);
  return Buffer.from(made);
}

/** A private key that no other call gives, in DER PKCS#8. */
export function freshPrivateKey(spec: KeySpec): Buffer {
  const row = keySpecRow(spec);
  const { privateKey } =
    row.family === 'eddsa'
      ? generateKeyPairSync('ed25519')
      : row.curve === undefined
        ? generateKeyPairSync('rsa', { modulusLength: row.sizeBytes * 8 })
        : generateKeyPairSync('ec', { namedCurve: row.curve });
  return privateKey.export({ format: 'der', type: 'pkcs8' });
}

export function oaepEncrypt(
  spki: Uint8Array,
  hash: 'sha1' | 'sha256',
  plaintext: Uint8Array,
): Buffer {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  return publicEncrypt({ key, padding, oaepHash: hash }, plaintext);
}

/**
 * RFC 5649, section 4.1, over AES-256 in ECB, as the RFC writes it: independent of every library
 * that unwraps.
 */
export function wrapPadded(kek: Uint8Array, plaintext: Uint8Array): Buffer {
  const block = (input: Buffer): Buffer => {
    const cipher = createCipheriv('aes-256-ecb', kek, null).setAutoPadding(false);
    return Buffer.concat([cipher.update(input), cipher.final()]);
  };
  const padded = Buffer.alloc(8 * Math.ceil(plaintext.length / 8));
  padded.set(plaintext);
  const a = Buffer.from('a65959a600000000', 'hex');
  a.writeUInt32BE(plaintext.length, 4);
  if (padded.length === 8) return block(Buffer.concat([a, padded]));
  const n = padded.length / 8;
  let register: Buffer = a;
  for (let j = 0; j < 6; j += 1) {
    for (let i = 1; i <= n; i += 1) {
      const at = 8 * (i - 1);
      const out = block(Buffer.concat([register, padded.subarray(at, at + 8)]));
      register = Buffer.from(out.subarray(0, 8));
      register.writeUInt32BE((register.readUInt32BE(4) ^ (n * j + i)) >>> 0, 4);
      out.copy(padded, at, 8);
    }
  }
  return Buffer.concat([register, padded]);
}

/** Encrypts material as `algorithm` says; `kek` is the AES key of the hybrid ones. */
export function encryptMaterial(
  spki: Uint8Array,
  algorithm: string,
  material: Uint8Array,
  kek: Uint8Array = randomBytes(32),
): Buffer {
  if (algorithm === 'SM2PKE') return opensslSm2Encrypt(spki, material);
  const hash = algorithm.endsWith('SHA_1') ? 'sha1' : 'sha256';
  if (!algorithm.startsWith('RSA_AES')) return oaepEncrypt(spki, hash, material);
  return Buffer.concat([oaepEncrypt(spki, hash, kek), wrapPadded(kek, material)]);
}
