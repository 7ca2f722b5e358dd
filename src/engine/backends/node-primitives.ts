/** node:crypto as a table of primitives. */
import * as node from './node-crypto.js';
import { signDigest, verifyDigest } from './node-digest-signatures.js';
import { foreignPair, unwrapPadded } from './node-import.js';
import { importKey, importPublicKey } from './node-keys.js';
import { checkSigV4 } from './node-sigv4.js';
import type { Primitives } from './primitives.js';

export const nodePrimitives: Primitives = Object.freeze({
  name: 'node' as const,
  importKey,
  importPublicKey,
  generatePair: node.generatePair,
  foreignPair,
  unwrapPadded,
  seal: node.seal,
  open: node.open,
  mac: node.mac,
  signMessage: node.signMessage,
  signDigest,
  verifyMessage: node.verifyMessage,
  verifyDigest,
  rsaEncrypt: node.rsaEncrypt,
  rsaDecrypt: node.rsaDecrypt,
  ecdh: (key, peer) => node.ecdh(key, importPublicKey(key.spec, peer).key),
  checkSigV4,
} satisfies Primitives);
