// Makes the known answers of the start-up self-tests, once: native/src/selftest/known_answers.rs and
// src/engine/backends/known-answers.ts. Secret-key answers are computed by @noble, RSA's by node's
// OpenSSL, so that each backend is tested against another implementation's results. The keys are for
// tests alone. Run: node scripts/make-known-answers.mjs
import { createPrivateKey, createPublicKey, createSign, constants, generateKeyPairSync, publicEncrypt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { gcm } from '@noble/ciphers/aes.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha224, sha256, sha384, sha512 } from '@noble/hashes/sha2.js';

const answers = [];
const add = (name, bytes) => answers.push([name, Buffer.from(bytes)]);
const message = Buffer.from('Keystrel known answer');
const count = (n) => Uint8Array.from({ length: n }, (_, i) => i);

add('MESSAGE', message);
for (const [bits, hash] of [[224, sha224], [256, sha256], [384, sha384], [512, sha512]]) {
  add(`HMAC_${bits}`, hmac(hash, count(bits / 8), message));
}

// A sealed message: see native/src/symmetric/seal.rs.
const [nonce, iv, header, context] = [count(16), count(12), Buffer.from('header'), Buffer.from('context')];
const fixed = Buffer.concat([Buffer.from([0, 0, 0, 1]), Buffer.from('keystrel/enc/v1\0'), nonce, Buffer.from([0, 0, 1, 0])]);
const derived = hmac(sha256, count(32), fixed);
const sealed = gcm(derived, iv, Buffer.concat([header, context])).encrypt(message);
add('HEADER', header);
add('CONTEXT', context);
add('BLOB', Buffer.concat([header, nonce, iv, sealed]));

// SigV4.
const tail = '20260102T030405Z\n20260102/eu-west-1/kms/aws4_request\n';
const canonical = Buffer.from('POST\n/\n\nhost:localhost\nx-amz-date:20260102T030405Z\n\nhost;x-amz-date\n');
const hex = (bytes) => Buffer.from(bytes).toString('hex');
let key = Buffer.from('AWS4keystrel-self-test-secret');
for (const part of ['20260102', 'eu-west-1', 'kms', 'aws4_request']) key = hmac(sha256, key, Buffer.from(part));
const payloadHash = hex(sha256(message));
const request = hex(sha256(Buffer.concat([canonical, Buffer.from(payloadHash)])));
const signature = hex(hmac(sha256, key, Buffer.from(`AWS4-HMAC-SHA256\n${tail}${request}`)));
add('SIGV4_SECRET', Buffer.from('keystrel-self-test-secret'));
add('SIGV4_CANONICAL', canonical);
add('SIGV4_TAIL', Buffer.from(signature + tail));
add('SIGV4_PAYLOAD_HASH', Buffer.from(payloadHash));

// RSA.
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
add('RSA_PKCS8', rsa.privateKey.export({ format: 'der', type: 'pkcs8' }));
for (const bits of [256, 384, 512]) {
  const sign = (options) => createSign(`sha${bits}`).update(message).sign({ key: rsa.privateKey, ...options });
  add(`RSA_PKCS1_${bits}`, sign({}));
  add(`RSA_PSS_${bits}`, sign({ padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: bits / 8 }));
}
for (const [name, oaepHash] of [['1', 'sha1'], ['256', 'sha256']]) {
  const options = { key: rsa.publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash };
  add(`RSA_OAEP_${name}`, publicEncrypt(options, message));
}

// Curves.
const CURVES = [['P256', p256, 'prime256v1', 'P-256', 32], ['P384', p384, 'secp384r1', 'P-384', 48],
  ['P521', p521, 'secp521r1', 'P-521', 66], ['P256K1', secp256k1, 'secp256k1', 'secp256k1', 32]];
for (const [name, curve, , crv, size] of CURVES) {
  const pair = (secret) => {
    const point = curve.getPublicKey(secret, false);
    const coordinate = (i) => Buffer.from(point.slice(1 + i * size, 1 + (i + 1) * size)).toString('base64url');
    const jwk = { kty: 'EC', crv, d: Buffer.from(secret).toString('base64url'), x: coordinate(0), y: coordinate(1) };
    return { secret, point, key: createPrivateKey({ key: jwk, format: 'jwk' }) };
  };
  const own = pair(curve.utils.randomSecretKey());
  const peer = pair(curve.utils.randomSecretKey());
  add(`${name}_PKCS8`, own.key.export({ format: 'der', type: 'pkcs8' }));
  add(`${name}_SIGNATURE`, curve.sign(message, own.secret, { format: 'der', lowS: false }));
  // KMS agrees on keys over the NIST curves only.
  if (name === 'P256K1') continue;
  add(`${name}_PEER`, createPublicKey(peer.key).export({ format: 'der', type: 'spki' }));
  add(`${name}_SHARED`, curve.getSharedSecret(own.secret, peer.point).slice(1, 1 + size));
}

const head = 'Known answers of the start-up self-tests, made by scripts/make-known-answers.mjs; keys for tests alone.';
const hexLines = (bytes) => hex(bytes).match(/.{1,92}/g) ?? [''];
writeFileSync('native/src/selftest/known_answers.rs', `//! ${head}\n\n${answers
  .map(([name, bytes]) => `pub const ${name}: &str = "\\\n${hexLines(bytes).join('\\\n')}";\n`).join('')}`);
writeFileSync('src/engine/backends/known-answers.ts', `// ${head}\n\nconst hex = (text: string): Buffer => Buffer.from(text, 'hex');\n\n${answers
  .map(([name, bytes]) => `export const ${name} = hex(\n${hexLines(bytes).map((l) => `  '${l}'`).join(' +\n')},\n);\n`).join('')}`);
