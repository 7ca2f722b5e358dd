/**
 * The @noble tables of keys that sign in ways of their own, or not at all: of seeds (Ed25519, ML-DSA,
 * ML-KEM) and of SM2. One row per key spec.
 */
import { ALG, FORM, SPEC, STATUS } from '../frame-layout.js';
import * as edwards from './ed25519.js';
import * as ec from './noble-ec.js';
import * as lattice from './noble-lattice.js';
import { sm2Sign, sm2Verify } from './noble-sm2.js';
import type { GeneratedPair } from './node-crypto.js';
import { JobStatus, type NodeKey } from './node-keys.js';

export interface SeededTable {
  /** @throws JobStatus INVALID_CIPHERTEXT */
  importKey(spec: number, pkcs8: Buffer): NodeKey;
  /** @throws JobStatus BAD_PEER_KEY */
  importPublicKey(spec: number, spki: Buffer): NodeKey;
  generatePair(spec: number): GeneratedPair;
  /** `form`: FORM. @throws JobStatus BAD_INPUT when the algorithm does not take the form */
  sign(key: NodeKey, alg: number, form: number, input: Buffer | Uint8Array): Buffer;
  verify(
    key: NodeKey,
    alg: number,
    form: number,
    input: Buffer | Uint8Array,
    signature: Buffer,
  ): boolean;
}

/** True for a digest, false for a message. @throws JobStatus BAD_INPUT for another form */
function isDigest(form: number): boolean {
  if (form !== FORM.MESSAGE && form !== FORM.DIGEST) throw new JobStatus(STATUS.BAD_INPUT);
  return form === FORM.DIGEST;
}

const EDWARDS: SeededTable = {
  importKey: edwards.importEd25519Key,
  importPublicKey: edwards.importEd25519PublicKey,
  generatePair: edwards.generateEd25519Pair,
  sign: (key, alg, form, input) => edwards.nobleEd25519Sign(key, alg, input, isDigest(form)),
  verify: (key, alg, form, input, signature) =>
    edwards.nobleEd25519Verify(key, alg, input, isDigest(form), signature),
};

/** True for a message representative. @throws JobStatus BAD_INPUT, UNSUPPORTED */
function isMu(alg: number, form: number): boolean {
  if (alg !== ALG.ML_DSA_SHAKE_256) throw new JobStatus(STATUS.UNSUPPORTED);
  if (form !== FORM.MESSAGE && form !== FORM.EXTERNAL_MU) throw new JobStatus(STATUS.BAD_INPUT);
  return form === FORM.EXTERNAL_MU;
}

const LATTICE: SeededTable = {
  importKey: lattice.importLatticeKey,
  importPublicKey: lattice.importLatticePublicKey,
  generatePair: lattice.generateLatticePair,
  sign: (key, alg, form, input) =>
    isMu(alg, form) ? lattice.latticeSignMu(key, input) : lattice.latticeSign(key, input),
  verify: (key, alg, form, input, signature) =>
    isMu(alg, form)
      ? lattice.latticeVerifyMu(key, input, signature)
      : lattice.latticeVerify(key, input, signature),
};

const SM2: SeededTable = {
  importKey: (spec, pkcs8) => ec.importEcKey(spec, ec.curveRow(spec)!, pkcs8),
  importPublicKey: (spec, spki) => ec.importEcPublicKey(spec, ec.curveRow(spec)!, spki),
  generatePair: (spec) => ec.generateEcPair(ec.curveRow(spec)!),
  sign: (key, alg, form, input) => sm2Sign(key, alg, input, isDigest(form)),
  verify: (key, alg, form, input, signature) =>
    sm2Verify(key, alg, input, isDigest(form), signature),
};

const TABLES = new Map<number, SeededTable>([
  [SPEC.ECC_NIST_EDWARDS25519, EDWARDS],
  [SPEC.SM2, SM2],
  [SPEC.ML_DSA_44, LATTICE],
  [SPEC.ML_DSA_65, LATTICE],
  [SPEC.ML_DSA_87, LATTICE],
  [SPEC.ML_KEM_512, LATTICE],
  [SPEC.ML_KEM_768, LATTICE],
  [SPEC.ML_KEM_1024, LATTICE],
]);

/** The table of a key spec; undefined for RSA, ECDSA and secret keys. */
export function seededTable(spec: number): SeededTable | undefined {
  return TABLES.get(spec);
}
