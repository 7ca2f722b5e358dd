/** Start-up self-tests of the node backend: known answers of every algorithm. */
import { createPrivateKey, createSecretKey } from 'node:crypto';
import { ALG, SPEC } from '../frame-layout.js';
import type { AlgorithmReport } from './backend.js';
import * as known from './known-answers.js';
import * as node from './node-crypto.js';
import { importPublicKey, type NodeKey } from './node-keys.js';
import { checkSigV4 } from './node-sigv4.js';

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

function privateKey(spec: number, der: Buffer): NodeKey {
  return { spec, key: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }) };
}

function sealing(): Test {
  return {
    operation: 'Encrypt',
    algorithm: 'SYMMETRIC_DEFAULT',
    run: () => {
      const key = { spec: SPEC.SYMMETRIC_DEFAULT, key: createSecretKey(counted(32)) };
      const open = (blob: Buffer) => node.open(key, known.HEADER, known.CONTEXT, blob);
      const own = node.seal(key, known.HEADER, known.CONTEXT, known.MESSAGE);
      return (
        open(known.BLOB).equals(known.MESSAGE) &&
        open(own).equals(known.MESSAGE) &&
        refuses(() => open(spoiled(known.BLOB, known.BLOB.length - 1)))
      );
    },
  };
}

function mac(bits: 224 | 256 | 384 | 512, answer: Buffer): Test {
  return {
    operation: 'GenerateMac',
    algorithm: `HMAC_SHA_${bits}`,
    run: () => {
      const key = { spec: SPEC[`HMAC_${bits}`], key: createSecretKey(counted(bits / 8)) };
      return node.mac(key, known.MESSAGE).equals(answer);
    },
  };
}

function sigV4(): Test {
  return {
    operation: 'SigV4',
    algorithm: 'AWS4-HMAC-SHA256',
    run: () => {
      const secret = createSecretKey(known.SIGV4_SECRET);
      const check = (tail: Buffer) =>
        checkSigV4(secret, known.SIGV4_CANONICAL, known.MESSAGE, tail);
      return (
        check(known.SIGV4_TAIL).equals(known.SIGV4_PAYLOAD_HASH) &&
        refuses(() => check(spoiled(known.SIGV4_TAIL, 0)))
      );
    },
  };
}

function signature(algorithm: string, key: () => NodeKey, alg: number, answer: Buffer): Test {
  return {
    operation: 'Sign',
    algorithm,
    run: () => {
      const pair = key();
      node.verifyMessage(pair, alg, known.MESSAGE, answer);
      node.verifyMessage(pair, alg, known.MESSAGE, node.signMessage(pair, alg, known.MESSAGE));
      return refuses(() => node.verifyMessage(pair, alg, spoiled(known.MESSAGE, 0), answer));
    },
  };
}

function oaep(algorithm: 'RSAES_OAEP_SHA_1' | 'RSAES_OAEP_SHA_256', answer: Buffer): Test {
  return {
    operation: 'Encrypt',
    algorithm,
    run: () => {
      const key = privateKey(SPEC.RSA_2048, known.RSA_PKCS8);
      const open = (ciphertext: Buffer) => node.rsaDecrypt(key, ALG[algorithm], ciphertext);
      return (
        open(answer).equals(known.MESSAGE) &&
        open(node.rsaEncrypt(key, ALG[algorithm], known.MESSAGE)).equals(known.MESSAGE) &&
        refuses(() => open(spoiled(answer, 100)))
      );
    },
  };
}

function agreement(
  name: 'ECC_NIST_P256' | 'ECC_NIST_P384' | 'ECC_NIST_P521',
  own: Buffer,
  peer: Buffer,
  answer: Buffer,
): Test {
  const spec = SPEC[name];
  return {
    operation: 'DeriveSharedSecret',
    algorithm: name,
    run: () => node.ecdh(privateKey(spec, own), importPublicKey(spec, peer).key).equals(answer),
  };
}

function tests(): readonly Test[] {
  const rsa = () => privateKey(SPEC.RSA_2048, known.RSA_PKCS8);
  const ec = (spec: number, der: Buffer) => () => privateKey(spec, der);
  return [
    sealing(),
    mac(224, known.HMAC_224),
    mac(256, known.HMAC_256),
    mac(384, known.HMAC_384),
    mac(512, known.HMAC_512),
    sigV4(),
    ...([256, 384, 512] as const).flatMap((bits) => [
      signature(
        `RSASSA_PKCS1_V1_5_SHA_${bits}`,
        rsa,
        ALG[`RSASSA_PKCS1_V1_5_SHA_${bits}`],
        known[`RSA_PKCS1_${bits}`],
      ),
      signature(
        `RSASSA_PSS_SHA_${bits}`,
        rsa,
        ALG[`RSASSA_PSS_SHA_${bits}`],
        known[`RSA_PSS_${bits}`],
      ),
    ]),
    oaep('RSAES_OAEP_SHA_1', known.RSA_OAEP_1),
    oaep('RSAES_OAEP_SHA_256', known.RSA_OAEP_256),
    signature(
      'ECC_NIST_P256',
      ec(SPEC.ECC_NIST_P256, known.P256_PKCS8),
      ALG.ECDSA_SHA_256,
      known.P256_SIGNATURE,
    ),
    signature(
      'ECC_NIST_P384',
      ec(SPEC.ECC_NIST_P384, known.P384_PKCS8),
      ALG.ECDSA_SHA_384,
      known.P384_SIGNATURE,
    ),
    signature(
      'ECC_NIST_P521',
      ec(SPEC.ECC_NIST_P521, known.P521_PKCS8),
      ALG.ECDSA_SHA_512,
      known.P521_SIGNATURE,
    ),
    signature(
      'ECC_SECG_P256K1',
      ec(SPEC.ECC_SECG_P256K1, known.P256K1_PKCS8),
      ALG.ECDSA_SHA_256,
      known.P256K1_SIGNATURE,
    ),
    agreement('ECC_NIST_P256', known.P256_PKCS8, known.P256_PEER, known.P256_SHARED),
    agreement('ECC_NIST_P384', known.P384_PKCS8, known.P384_PEER, known.P384_SHARED),
    agreement('ECC_NIST_P521', known.P521_PKCS8, known.P521_PEER, known.P521_SHARED),
  ];
}

/** `why`: the reason for this backend, shown in status. */
export function nodeSelfTest(why: string): readonly AlgorithmReport[] {
  return tests().map(({ operation, algorithm, run }) => {
    let passed = false;
    try {
      passed = run();
    } catch {
      passed = false;
    }
    return passed
      ? { operation, algorithm, backend: 'node', why }
      : { operation, algorithm, backend: 'none', why: 'its start-up self-test failed' };
  });
}
