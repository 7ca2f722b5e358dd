/** Start-up self-tests of a table of primitives: known answers of every algorithm. */
import { createSecretKey } from 'node:crypto';
import { ALG, SPEC } from '../frame-layout.js';
import * as known from './known-answers.js';
import type { NodeKey } from './node-keys.js';
import type { Primitives } from './primitives.js';
import * as seeded from './seeded-answers.js';
import * as answers from './sm2-answers.js';

interface Test {
  readonly operation: string;
  readonly algorithm: string;
  /** False or an exception: the algorithm is not offered. */
  run(): boolean;
}

const counted = (n: number): Buffer => Buffer.from(Array.from({ length: n }, (_, i) => i));

function refuses(run: () => unknown): boolean {
  try {
    run();
  } catch {
    return true;
  }
  return false;
}

function spoiled(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 1;
  return copy;
}

function sealing(p: Primitives): Test {
  return {
    operation: 'Encrypt',
    algorithm: 'SYMMETRIC_DEFAULT',
    run: () => {
      const key = { spec: SPEC.SYMMETRIC_DEFAULT, key: createSecretKey(counted(32)) };
      const open = (blob: Buffer) => p.open(key, known.HEADER, known.CONTEXT, blob);
      const own = p.seal(key, known.HEADER, known.CONTEXT, known.MESSAGE);
      return (
        open(known.BLOB).equals(known.MESSAGE) &&
        open(own).equals(known.MESSAGE) &&
        refuses(() => open(spoiled(known.BLOB, known.BLOB.length - 1)))
      );
    },
  };
}

function mac(p: Primitives, bits: 224 | 256 | 384 | 512, answer: Buffer): Test {
  return {
    operation: 'GenerateMac',
    algorithm: `HMAC_SHA_${bits}`,
    run: () => {
      const key = { spec: SPEC[`HMAC_${bits}`], key: createSecretKey(counted(bits / 8)) };
      return p.mac(key, known.MESSAGE).equals(answer);
    },
  };
}

function sigV4(p: Primitives): Test {
  return {
    operation: 'SigV4',
    algorithm: 'AWS4-HMAC-SHA256',
    run: () => {
      const secret = createSecretKey(known.SIGV4_SECRET);
      const check = (tail: Buffer) =>
        p.checkSigV4(secret, known.SIGV4_CANONICAL, known.MESSAGE, tail);
      return (
        check(known.SIGV4_TAIL).equals(known.SIGV4_PAYLOAD_HASH) &&
        refuses(() => check(spoiled(known.SIGV4_TAIL, 0)))
      );
    },
  };
}

function signature(
  p: Primitives,
  algorithm: string,
  key: () => NodeKey,
  alg: number,
  answer: Buffer,
): Test {
  return {
    operation: 'Sign',
    algorithm,
    run: () => {
      const pair = key();
      p.verifyMessage(pair, alg, known.MESSAGE, answer);
      p.verifyMessage(pair, alg, known.MESSAGE, p.signMessage(pair, alg, known.MESSAGE));
      return refuses(() => p.verifyMessage(pair, alg, spoiled(known.MESSAGE, 0), answer));
    },
  };
}

function oaep(
  p: Primitives,
  algorithm: 'RSAES_OAEP_SHA_1' | 'RSAES_OAEP_SHA_256',
  answer: Buffer,
): Test {
  return {
    operation: 'Encrypt',
    algorithm,
    run: () => {
      const key = p.importKey(SPEC.RSA_2048, known.RSA_PKCS8);
      const open = (ciphertext: Buffer) => p.rsaDecrypt(key, ALG[algorithm], ciphertext);
      return (
        open(answer).equals(known.MESSAGE) &&
        open(p.rsaEncrypt(key, ALG[algorithm], known.MESSAGE)).equals(known.MESSAGE) &&
        refuses(() => open(spoiled(answer, 100)))
      );
    },
  };
}

function agreement(
  p: Primitives,
  name: 'ECC_NIST_P256' | 'ECC_NIST_P384' | 'ECC_NIST_P521',
  own: Buffer,
  peer: Buffer,
  answer: Buffer,
): Test {
  const spec = SPEC[name];
  return {
    operation: 'DeriveSharedSecret',
    algorithm: name,
    run: () => p.ecdh(p.importKey(spec, own), peer).equals(answer),
  };
}

/** Ed25519 and Ed25519ph are deterministic: their own signature is the known one. */
function edwards(p: Primitives): readonly Test[] {
  const key = () => p.importKey(SPEC.ECC_NIST_EDWARDS25519, seeded.ED25519_PKCS8);
  const [pure, ph] = [ALG.ED25519_SHA_512, ALG.ED25519_PH_SHA_512];
  const { ED25519_PH_DIGEST: digest } = seeded;
  return [
    {
      operation: 'Sign',
      algorithm: 'ED25519_SHA_512',
      run: () => {
        const answer = seeded.ED25519_SIGNATURE;
        p.verifyMessage(key(), pure, known.MESSAGE, answer);
        return (
          p.signMessage(key(), pure, known.MESSAGE).equals(answer) &&
          refuses(() => p.verifyMessage(key(), pure, spoiled(known.MESSAGE, 0), answer))
        );
      },
    },
    {
      operation: 'Sign',
      algorithm: 'ED25519_PH_SHA_512',
      run: () => {
        const answer = seeded.ED25519_PH_SIGNATURE;
        p.verifyDigest(key(), ph, digest, answer);
        return (
          p.signDigest(key(), ph, digest).equals(answer) &&
          refuses(() => p.verifyDigest(key(), ph, spoiled(digest, 0), answer))
        );
      },
    },
  ];
}

/** Both forms of a message, each signed and verified. */
function mlDsa(p: Primitives, set: 44 | 65 | 87): Test {
  const alg = ALG.ML_DSA_SHAKE_256;
  const [mu, answer] = [seeded[`ML_DSA_${set}_MU`], seeded[`ML_DSA_${set}_SIGNATURE`]];
  return {
    operation: 'Sign',
    algorithm: `ML_DSA_${set}`,
    run: () => {
      const key = p.importKey(SPEC[`ML_DSA_${set}`], seeded[`ML_DSA_${set}_PKCS8`]);
      p.verifyMu(key, alg, mu, answer);
      p.verifyMessage(key, alg, known.MESSAGE, p.signMu(key, alg, mu));
      p.verifyMu(key, alg, mu, p.signMessage(key, alg, known.MESSAGE));
      return refuses(() => p.verifyMessage(key, alg, spoiled(known.MESSAGE, 0), answer));
    },
  };
}

function mlKem(p: Primitives, set: 512 | 768 | 1024): Test {
  const ciphertext = seeded[`ML_KEM_${set}_CIPHERTEXT`];
  const answer = seeded[`ML_KEM_${set}_SECRET`];
  return {
    operation: 'Encapsulate',
    algorithm: `ML_KEM_${set}`,
    run: () => {
      const key = p.importKey(SPEC[`ML_KEM_${set}`], seeded[`ML_KEM_${set}_PKCS8`]);
      const own = p.encapsulate(key);
      return (
        p.decapsulate(key, ciphertext).equals(answer) &&
        p.decapsulate(key, own.subarray(32)).equals(own.subarray(0, 32)) &&
        !p.decapsulate(key, spoiled(ciphertext, 0)).equals(answer)
      );
    },
  };
}

/** Signatures of a message and of its digest, encryption, key agreement. */
function sm2(p: Primitives): readonly Test[] {
  const key = () => p.importKey(SPEC.SM2, answers.PKCS8);
  const { MESSAGE, DIGEST, SIGNATURE, PLAINTEXT, CIPHERTEXT } = answers;
  const [dsa, pke] = [ALG.SM2DSA, ALG.SM2PKE];
  return [
    {
      operation: 'Sign',
      algorithm: 'SM2DSA',
      run: () => {
        p.verifyDigest(key(), dsa, DIGEST, SIGNATURE);
        p.verifyMessage(key(), dsa, MESSAGE, SIGNATURE);
        p.verifyMessage(key(), dsa, MESSAGE, p.signDigest(key(), dsa, DIGEST));
        p.verifyDigest(key(), dsa, DIGEST, p.signMessage(key(), dsa, MESSAGE));
        return refuses(() => p.verifyMessage(key(), dsa, spoiled(MESSAGE, 0), SIGNATURE));
      },
    },
    {
      operation: 'Encrypt',
      algorithm: 'SM2PKE',
      run: () => {
        const open = (ciphertext: Buffer) => p.rsaDecrypt(key(), pke, ciphertext);
        return (
          open(CIPHERTEXT).equals(PLAINTEXT) &&
          open(p.rsaEncrypt(key(), pke, PLAINTEXT)).equals(PLAINTEXT) &&
          refuses(() => open(spoiled(CIPHERTEXT, CIPHERTEXT.length - 1)))
        );
      },
    },
    {
      operation: 'DeriveSharedSecret',
      algorithm: 'SM2',
      run: () => p.ecdh(key(), answers.PEER).equals(answers.SHARED),
    },
  ];
}

function tests(p: Primitives): readonly Test[] {
  const rsa = () => p.importKey(SPEC.RSA_2048, known.RSA_PKCS8);
  const ecdsa = (
    spec: 'ECC_NIST_P256' | 'ECC_NIST_P384' | 'ECC_NIST_P521' | 'ECC_SECG_P256K1',
    alg: number,
    der: Buffer,
    answer: Buffer,
  ) => signature(p, spec, () => p.importKey(SPEC[spec], der), alg, answer);
  return [
    sealing(p),
    mac(p, 224, known.HMAC_224),
    mac(p, 256, known.HMAC_256),
    mac(p, 384, known.HMAC_384),
    mac(p, 512, known.HMAC_512),
    sigV4(p),
    ...([256, 384, 512] as const).flatMap((bits) => {
      const pkcs1 = `RSASSA_PKCS1_V1_5_SHA_${bits}` as const;
      const pss = `RSASSA_PSS_SHA_${bits}` as const;
      return [
        signature(p, pkcs1, rsa, ALG[pkcs1], known[`RSA_PKCS1_${bits}`]),
        signature(p, pss, rsa, ALG[pss], known[`RSA_PSS_${bits}`]),
      ];
    }),
    oaep(p, 'RSAES_OAEP_SHA_1', known.RSA_OAEP_1),
    oaep(p, 'RSAES_OAEP_SHA_256', known.RSA_OAEP_256),
    ecdsa('ECC_NIST_P256', ALG.ECDSA_SHA_256, known.P256_PKCS8, known.P256_SIGNATURE),
    ecdsa('ECC_NIST_P384', ALG.ECDSA_SHA_384, known.P384_PKCS8, known.P384_SIGNATURE),
    ecdsa('ECC_NIST_P521', ALG.ECDSA_SHA_512, known.P521_PKCS8, known.P521_SIGNATURE),
    ecdsa('ECC_SECG_P256K1', ALG.ECDSA_SHA_256, known.P256K1_PKCS8, known.P256K1_SIGNATURE),
    agreement(p, 'ECC_NIST_P256', known.P256_PKCS8, known.P256_PEER, known.P256_SHARED),
    agreement(p, 'ECC_NIST_P384', known.P384_PKCS8, known.P384_PEER, known.P384_SHARED),
    agreement(p, 'ECC_NIST_P521', known.P521_PKCS8, known.P521_PEER, known.P521_SHARED),
    ...edwards(p),
    ...sm2(p),
    ...([44, 65, 87] as const).map((set) => mlDsa(p, set)),
    ...([512, 768, 1024] as const).map((set) => mlKem(p, set)),
  ];
}

export interface Outcome {
  readonly operation: string;
  readonly algorithm: string;
  readonly passed: boolean;
}

/**
 * Runs every known answer; what throws has failed, and so has what the library lacks.
 * @param only Names of the algorithms to test; all unless said.
 */
export function selfTest(primitives: Primitives, only?: ReadonlySet<string>): readonly Outcome[] {
  const chosen = tests(primitives).filter(({ algorithm }) => only?.has(algorithm) ?? true);
  return chosen.map(({ operation, algorithm, run }) => {
    try {
      const passed = !primitives.lacks.has(algorithm) && run();
      return { operation, algorithm, passed };
    } catch {
      return { operation, algorithm, passed: false };
    }
  });
}
