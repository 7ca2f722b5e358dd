/**
 * The operations of the engine bench: for each, a job as the engine would make it, and what one does
 * in its place with node:crypto. Messages and keys differ from job to job no more than the baseline's.
 */
import {
  constants,
  createCipheriv,
  createHmac,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import type { KeySpec } from '../../src/core/records.js';
import { ALG, OP, SEAL_OVERHEAD_BYTES, SPEC } from '../../src/engine/frame-layout.js';
import type { JobInit } from '../../src/engine/job.js';
import { keySpecRow, type LaneName } from '../../src/specs/key-specs.js';
import type { FrameClient } from './frame-client.js';

export interface Operation {
  /** Name of the row. */
  readonly op: string;
  /** Rough time of one operation, µs: slow ones are left out of large batches. */
  readonly roughUs: number;
  /** What @noble can do of it in sensible time. */
  readonly noble: boolean;
  /** Shortest slot in a round, ms, where one operation takes a time that depends on chance. */
  readonly slotMsMin?: number;
  job(client: FrameClient): JobInit;
  /** One operation with node:crypto. */
  baseline(): () => unknown;
}

const MESSAGE = Buffer.alloc(64, 3);
const PLAINTEXT = Buffer.alloc(32, 7);
const HEADER = Buffer.alloc(38, 1);
const DIGEST_BYTES = { SHA_256: 32, SHA_384: 48, SHA_512: 64 } as const;

const encrypt: Operation = {
  op: 'aes256gcm-kdf-32',
  roughUs: 0.3,
  noble: true,
  job: (client) => ({
    lane: 'symmetric',
    op: OP.ENCRYPT,
    key: client.generate('SYMMETRIC_DEFAULT').key,
    in0: PLAINTEXT,
    in2: HEADER,
    outCap: HEADER.length + PLAINTEXT.length + SEAL_OVERHEAD_BYTES,
  }),
  // No KDF: random IV, cipher, concatenation.
  baseline: () => {
    const key = createSecretKey(randomBytes(32));
    return () => {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      const body = cipher.update(PLAINTEXT);
      cipher.final();
      return Buffer.concat([iv, body, cipher.getAuthTag()]);
    };
  },
};

const dataKey: Operation = {
  op: 'datakey-32',
  roughUs: 0.3,
  noble: false,
  job: (client) => ({
    lane: 'symmetric',
    op: OP.GENERATE_DATA_KEY,
    key: client.generate('SYMMETRIC_DEFAULT').key,
    in2: HEADER,
    param: 32,
    outCap: HEADER.length + 64 + SEAL_OVERHEAD_BYTES,
  }),
  baseline: () => {
    const encryptOne = encrypt.baseline();
    return () => [randomBytes(32), encryptOne()];
  },
};

const hmac: Operation = {
  op: 'hmac256-64',
  roughUs: 0.3,
  noble: true,
  job: (client) => ({
    lane: 'symmetric',
    op: OP.MAC,
    key: client.generate('HMAC_256').key,
    in0: MESSAGE,
    outCap: 32,
  }),
  baseline: () => {
    const key = createSecretKey(randomBytes(32));
    return () => createHmac('sha256', key).update(MESSAGE).digest();
  },
};

const random: Operation = {
  op: 'random-32',
  roughUs: 0.5,
  noble: false,
  job: () => ({ lane: 'symmetric', op: OP.RANDOM, param: 32, outCap: 32 }),
  baseline: () => () => randomBytes(32),
};

interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

function nodePair(spec: KeySpec): Pair {
  const row = keySpecRow(spec);
  return row.family === 'rsa'
    ? generateKeyPairSync('rsa', { modulusLength: row.sizeBytes * 8 })
    : generateKeyPairSync('ec', { namedCurve: row.curve! });
}

function signing(
  name: string,
  spec: KeySpec,
  alg: keyof typeof ALG,
  signUs: number,
  verifyUs: number,
): Operation[] {
  const lane: LaneName = keySpecRow(spec).lane;
  const rsa = spec.startsWith('RSA');
  const hash = `sha${alg.slice(-3)}`;
  const digest = Buffer.alloc(DIGEST_BYTES[alg.slice(-7) as keyof typeof DIGEST_BYTES], 5);
  const options = (key: KeyObject) => ({ key, padding: constants.RSA_PKCS1_PADDING });
  const signJob = (client: FrameClient): JobInit => ({
    lane,
    op: OP.SIGN,
    alg: ALG[alg],
    key: client.generate(spec).key,
    in0: digest,
    param: 1,
    outCap: 512,
  });
  return [
    {
      op: `${name}-sign`,
      roughUs: signUs,
      noble: !rsa,
      job: signJob,
      baseline: () => {
        const pair = nodePair(spec);
        return () => sign(hash, MESSAGE, rsa ? options(pair.privateKey) : pair.privateKey);
      },
    },
    {
      op: `${name}-verify`,
      roughUs: verifyUs,
      noble: !rsa,
      job: (client) => {
        const init = signJob(client);
        const signature = Buffer.from(client.one(init));
        return { ...init, op: OP.VERIFY, in1: signature, outCap: 0 };
      },
      baseline: () => {
        const pair = nodePair(spec);
        const own = rsa ? options(pair.privateKey) : pair.privateKey;
        const signature = sign(hash, MESSAGE, own);
        const key = rsa ? options(pair.publicKey) : pair.publicKey;
        return () => verify(hash, MESSAGE, key, signature);
      },
    },
  ];
}

/** Ed25519 signs the message itself. */
function edwards(signUs: number, verifyUs: number): Operation[] {
  const spec: KeySpec = 'ECC_NIST_EDWARDS25519';
  const signJob = (client: FrameClient): JobInit => ({
    lane: keySpecRow(spec).lane,
    op: OP.SIGN,
    alg: ALG.ED25519_SHA_512,
    key: client.generate(spec).key,
    in0: MESSAGE,
    outCap: 64,
  });
  return [
    {
      op: 'ed25519-sign',
      roughUs: signUs,
      noble: true,
      job: signJob,
      baseline: () => {
        const { privateKey } = generateKeyPairSync('ed25519');
        return () => sign(null, MESSAGE, privateKey);
      },
    },
    {
      op: 'ed25519-verify',
      roughUs: verifyUs,
      noble: true,
      job: (client) => {
        const init = signJob(client);
        const signature = Buffer.from(client.one(init));
        return { ...init, op: OP.VERIFY, in1: signature, outCap: 0 };
      },
      baseline: () => {
        const { privateKey, publicKey } = generateKeyPairSync('ed25519');
        const signature = sign(null, MESSAGE, privateKey);
        return () => verify(null, MESSAGE, publicKey, signature);
      },
    },
  ];
}

function agreement(name: string, spec: KeySpec, roughUs: number): Operation {
  const { lane, sizeBytes } = keySpecRow(spec);
  return {
    op: `${name}-ecdh`,
    roughUs,
    noble: true,
    job: (client) => ({
      lane,
      op: OP.ECDH,
      key: client.generate(spec).key,
      in0: client.generate(spec).spki,
      outCap: sizeBytes,
    }),
    baseline: () => {
      const { privateKey } = nodePair(spec);
      const { publicKey } = nodePair(spec);
      return () => diffieHellman({ privateKey, publicKey });
    },
  };
}

function keygen(name: string, spec: KeySpec, roughUs: number): Operation {
  return {
    op: `${name}-keygen`,
    roughUs,
    noble: false,
    slotMsMin: 1_500,
    job: (client) => ({
      lane: 'keygen',
      op: OP.GENERATE_KEY_PAIR,
      alg: SPEC[spec as keyof typeof SPEC],
      key: client.generate('SYMMETRIC_DEFAULT').key,
      in2: HEADER,
      outCap: 8192,
    }),
    baseline: () => () => nodePair(spec),
  };
}

export const OPERATIONS: readonly Operation[] = [
  encrypt,
  dataKey,
  hmac,
  random,
  ...signing('rsa2048', 'RSA_2048', 'RSASSA_PKCS1_V1_5_SHA_256', 700, 30),
  ...signing('rsa3072', 'RSA_3072', 'RSASSA_PKCS1_V1_5_SHA_256', 2_000, 50),
  ...signing('rsa4096', 'RSA_4096', 'RSASSA_PKCS1_V1_5_SHA_256', 4_000, 80),
  keygen('rsa2048', 'RSA_2048', 10_000),
  ...signing('p256', 'ECC_NIST_P256', 'ECDSA_SHA_256', 30, 70),
  agreement('p256', 'ECC_NIST_P256', 80),
  ...signing('p384', 'ECC_NIST_P384', 'ECDSA_SHA_384', 200, 300),
  agreement('p384', 'ECC_NIST_P384', 400),
  ...signing('p521', 'ECC_NIST_P521', 'ECDSA_SHA_512', 400, 600),
  agreement('p521', 'ECC_NIST_P521', 800),
  ...edwards(10, 30),
  ...signing('secp256k1', 'ECC_SECG_P256K1', 'ECDSA_SHA_256', 150, 200),
];
