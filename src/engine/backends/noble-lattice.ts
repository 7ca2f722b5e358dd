/**
 * ML-DSA (FIPS 204) and ML-KEM (FIPS 203) over @noble/post-quantum. A key of this table is a secret
 * KeyObject that holds its DER: PKCS#8 with the seed (RFC 9881, RFC 9935), the one private form that
 * is read and written, or SPKI. What a seed expands to is made for each use and wiped after it.
 *
 * JavaScript arithmetic is not constant time: this table runs only what nothing else can.
 */
import { createSecretKey, randomBytes } from 'node:crypto';
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { ml_kem512, ml_kem768, ml_kem1024 } from '@noble/post-quantum/ml-kem.js';
import { SPEC, STATUS } from '../frame-layout.js';
import { CONTEXT_0, der, pkcs8Of, spkiOf } from './der.js';
import type { GeneratedPair } from './node-crypto.js';
import { JobStatus, type NodeKey } from './node-keys.js';

type Dsa = typeof ml_dsa44;
type Kem = typeof ml_kem512;

interface SetRow<L> {
  readonly library: L;
  /** DER of the parameter set's object identifier. */
  readonly oid: Buffer;
  readonly seedBytes: number;
  readonly publicBytes: number;
}

const set = <L>(library: L, oid: string, seedBytes: number, publicBytes: number): SetRow<L> => ({
  library,
  oid: Buffer.from(`0609608648016503${oid}`, 'hex'),
  seedBytes,
  publicBytes,
});

const DSA = new Map<number, SetRow<Dsa>>([
  [SPEC.ML_DSA_44, set(ml_dsa44, '040311', 32, 1312)],
  [SPEC.ML_DSA_65, set(ml_dsa65, '040312', 32, 1952)],
  [SPEC.ML_DSA_87, set(ml_dsa87, '040313', 32, 2592)],
]);
const KEM = new Map<number, SetRow<Kem>>([
  [SPEC.ML_KEM_512, set(ml_kem512, '040401', 64, 800)],
  [SPEC.ML_KEM_768, set(ml_kem768, '040402', 64, 1184)],
  [SPEC.ML_KEM_1024, set(ml_kem1024, '040403', 64, 1568)],
]);

/** Bytes of a message representative. */
const MU_BYTES = 64;

function rowOf(spec: number): SetRow<Dsa | Kem> {
  const row = DSA.get(spec) ?? KEM.get(spec);
  if (row === undefined) throw new JobStatus(STATUS.UNSUPPORTED);
  return row;
}

/** @throws JobStatus BAD_KEY */
function dsaOf(key: NodeKey): SetRow<Dsa> {
  const row = DSA.get(key.spec);
  if (row === undefined) throw new JobStatus(STATUS.BAD_KEY);
  return row;
}

/** @throws JobStatus BAD_KEY */
function kemOf(key: NodeKey): SetRow<Kem> {
  const row = KEM.get(key.spec);
  if (row === undefined) throw new JobStatus(STATUS.BAD_KEY);
  return row;
}

function encodePkcs8(row: SetRow<unknown>, seed: Uint8Array): Buffer {
  return pkcs8Of(row.oid, der(CONTEXT_0, seed));
}

function seedOf(row: SetRow<unknown>, pkcs8: Buffer): Buffer {
  return pkcs8.subarray(pkcs8.length - row.seedBytes);
}

function publicOf(row: SetRow<unknown>, spki: Buffer): Buffer {
  return spki.subarray(spki.length - row.publicBytes);
}

/** @throws JobStatus INVALID_CIPHERTEXT */
export function importLatticeKey(spec: number, pkcs8: Buffer): NodeKey {
  const row = rowOf(spec);
  const again = encodePkcs8(row, seedOf(row, pkcs8));
  const same = again.equals(pkcs8);
  again.fill(0);
  if (!same) throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
  return { spec, key: createSecretKey(pkcs8), form: 'pkcs8' };
}

/** @throws JobStatus BAD_PEER_KEY */
export function importLatticePublicKey(spec: number, spki: Buffer): NodeKey {
  const row = rowOf(spec);
  const bytes = publicOf(row, spki);
  if (bytes.length !== row.publicBytes || !spkiOf(row.oid, bytes).equals(spki)) {
    throw new JobStatus(STATUS.BAD_PEER_KEY);
  }
  return { spec, key: createSecretKey(spki), form: 'spki' };
}

export function generateLatticePair(spec: number): GeneratedPair {
  const row = rowOf(spec);
  const seed = randomBytes(row.seedBytes);
  const { publicKey, secretKey } = row.library.keygen(seed);
  const pair = { pkcs8: encodePkcs8(row, seed), spki: spkiOf(row.oid, publicKey) };
  secretKey.fill(0);
  seed.fill(0);
  return pair;
}

/** Runs `use` with the expanded private key, then wipes it. @throws JobStatus BAD_KEY */
function withSecret<T>(
  key: NodeKey,
  row: SetRow<Dsa | Kem>,
  use: (secret: Uint8Array, publicKey: Uint8Array) => T,
): T {
  if (key.form !== 'pkcs8') throw new JobStatus(STATUS.BAD_KEY);
  const pkcs8 = key.key.export() as Buffer;
  const { publicKey, secretKey } = row.library.keygen(seedOf(row, pkcs8));
  pkcs8.fill(0);
  try {
    return use(secretKey, publicKey);
  } finally {
    secretKey.fill(0);
  }
}

function withPublic<T>(key: NodeKey, row: SetRow<Dsa | Kem>, use: (publicKey: Uint8Array) => T): T {
  if (key.form === 'spki') return use(publicOf(row, key.key.export()));
  return withSecret(key, row, (_secret, publicKey) => use(publicKey));
}

function requireMu(mu: Uint8Array): void {
  if (mu.length !== MU_BYTES) throw new JobStatus(STATUS.BAD_INPUT);
}

/** ML-DSA, hedged, with an empty context. */
export function latticeSign(key: NodeKey, message: Uint8Array): Buffer {
  const row = dsaOf(key);
  return withSecret(key, row, (secret) => Buffer.from(row.library.sign(message, secret)));
}

export function latticeVerify(key: NodeKey, message: Uint8Array, signature: Uint8Array): boolean {
  const row = dsaOf(key);
  return withPublic(key, row, (publicKey) =>
    refusalIsFalse(() => row.library.verify(signature, message, publicKey)),
  );
}

/** ML-DSA, hedged, over a message representative. @throws JobStatus BAD_INPUT unless 64 bytes */
export function latticeSignMu(key: NodeKey, mu: Uint8Array): Buffer {
  requireMu(mu);
  const row = dsaOf(key);
  return withSecret(key, row, (secret) =>
    Buffer.from(row.library.internal.sign(mu, secret, { externalMu: true })),
  );
}

/** @throws JobStatus BAD_INPUT unless `mu` has 64 bytes */
export function latticeVerifyMu(key: NodeKey, mu: Uint8Array, signature: Uint8Array): boolean {
  requireMu(mu);
  const row = dsaOf(key);
  return withPublic(key, row, (publicKey) =>
    refusalIsFalse(() =>
      row.library.internal.verify(signature, mu, publicKey, { externalMu: true }),
    ),
  );
}

/** A signature of wrong length is thrown at, and is no valid one. */
function refusalIsFalse(verify: () => boolean): boolean {
  try {
    return verify();
  } catch {
    return false;
  }
}

/** Shared secret (32 bytes) | ciphertext. */
export function latticeEncapsulate(key: NodeKey): Buffer {
  const row = kemOf(key);
  return withPublic(key, row, (publicKey) => {
    const { sharedSecret, cipherText } = row.library.encapsulate(publicKey);
    const output = Buffer.concat([sharedSecret, cipherText]);
    sharedSecret.fill(0);
    return output;
  });
}

/** @throws JobStatus INVALID_CIPHERTEXT for a ciphertext of another length */
export function latticeDecapsulate(key: NodeKey, ciphertext: Buffer): Buffer {
  const row = kemOf(key);
  if (ciphertext.length !== row.library.lengths.cipherText) {
    throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
  }
  return withSecret(key, row, (secret) => Buffer.from(row.library.decapsulate(ciphertext, secret)));
}
