/** node:crypto as a table of primitives. */
import { SPEC, STATUS } from '../frame-layout.js';
import { foreignEd25519Pair, nodeEd25519Sign, nodeEd25519Verify } from './ed25519.js';
import * as node from './node-crypto.js';
import { signDigest, verifyDigest } from './node-digest-signatures.js';
import { foreignPair, unwrapPadded } from './node-import.js';
import { importKey, importPublicKey, JobStatus, type NodeKey } from './node-keys.js';
import { checkSigV4 } from './node-sigv4.js';
import type { Primitives } from './primitives.js';

const isEd25519 = (key: NodeKey): boolean => key.spec === SPEC.ECC_NIST_EDWARDS25519;

/** For what OpenSSL 3.0 does not have. */
const unsupported = (): never => {
  throw new JobStatus(STATUS.UNSUPPORTED);
};
/** RSA and ECDSA have no message representative. */
const badForm = (): never => {
  throw new JobStatus(STATUS.BAD_INPUT);
};

export const nodePrimitives: Primitives = Object.freeze({
  name: 'node' as const,
  lacks: new Set([
    'ED25519_PH_SHA_512',
    'SM2DSA',
    'SM2PKE',
    'SM2',
    'ML_DSA_44',
    'ML_DSA_65',
    'ML_DSA_87',
    'ML_KEM_512',
    'ML_KEM_768',
    'ML_KEM_1024',
  ]),
  importKey,
  importPublicKey,
  generatePair: node.generatePair,
  foreignPair: (spec, pkcs8) =>
    spec === SPEC.ECC_NIST_EDWARDS25519 ? foreignEd25519Pair(pkcs8) : foreignPair(spec, pkcs8),
  unwrapPadded,
  seal: node.seal,
  open: node.open,
  mac: node.mac,
  signMessage: (key, alg, message) =>
    isEd25519(key) ? nodeEd25519Sign(key, alg, message) : node.signMessage(key, alg, message),
  signDigest: (key, alg, digest) => (isEd25519(key) ? badForm() : signDigest(key, alg, digest)),
  verifyMessage: (key, alg, message, signature) => {
    if (!isEd25519(key)) node.verifyMessage(key, alg, message, signature);
    else if (!nodeEd25519Verify(key, alg, message, signature)) {
      throw new JobStatus(STATUS.INVALID_SIGNATURE);
    }
  },
  verifyDigest: (key, alg, digest, signature) => {
    if (isEd25519(key)) badForm();
    verifyDigest(key, alg, digest, signature);
  },
  signMu: badForm,
  verifyMu: badForm,
  encapsulate: unsupported,
  decapsulate: unsupported,
  rsaEncrypt: node.rsaEncrypt,
  rsaDecrypt: node.rsaDecrypt,
  ecdh: (key, peer) => node.ecdh(key, importPublicKey(key.spec, peer).key),
  checkSigV4,
} satisfies Primitives);
