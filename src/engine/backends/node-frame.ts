/** Runs frames without the addon, with node:crypto or @noble per algorithm. Same frames, same blobs. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { KeyHandle } from '../../core/key-handle.js';
import { handleGeneration, handleSlot } from '../../core/key-handle.js';
import { ALG, D, DESCRIPTOR_BYTES, FORM, HEADER_BYTES, OP, SPEC, STATUS } from '../frame-layout.js';
import type { GeneratedPair } from './node-crypto.js';
import { openMaterial } from './node-import.js';
import { JobStatus, type NodeKey, secretBytes } from './node-keys.js';
import type { PrimitiveChoice } from './primitive-choice.js';
import type { Primitives } from './primitives.js';

/**
 * The keys of a frame's jobs, in the order of the jobs; then, in the same order, the second keys of
 * those that have two (nothing where they have not).
 */
export type FrameKeys = readonly (NodeKey | undefined)[];

/** Puts a loaded key into the registry; present on the thread that owns it only. */
export type Insert = (key: NodeKey) => KeyHandle;

interface JobView {
  readonly op: number;
  readonly alg: number;
  readonly param: number;
  readonly in0: Buffer;
  readonly in1: Buffer;
  readonly in2: Buffer;
}

function view(frame: Buffer, at: number): JobView {
  const input = (field: number): Buffer => {
    const offset = frame.readUInt32LE(at + field);
    return frame.subarray(offset, offset + frame.readUInt32LE(at + field + 4));
  };
  return {
    op: frame.readUInt16LE(at + D.op),
    alg: frame.readUInt16LE(at + D.alg),
    param: frame.readUInt32LE(at + D.param),
    in0: input(D.in0),
    in1: input(D.in1),
    in2: input(D.in2),
  };
}

/** Runs all jobs in place; each ends with its own status. Never throws. */
export function runNodeFrame(
  frame: Buffer,
  keys: FrameKeys,
  insert: Insert | undefined,
  choice: PrimitiveChoice,
): void {
  const count = frame.readUInt32LE(4);
  for (let i = 0; i < count; i += 1) {
    const at = HEADER_BYTES + i * DESCRIPTOR_BYTES;
    let status: number = STATUS.OK;
    let output: Uint8Array = Buffer.alloc(0);
    try {
      output = runJob(view(frame, at), keys[i], keys[count + i], insert, choice);
    } catch (error) {
      status = error instanceof JobStatus ? error.status : STATUS.INTERNAL;
    }
    if (output.length > frame.readUInt32LE(at + D.outCap)) {
      status = STATUS.OUT_TOO_SMALL;
      output = Buffer.alloc(0);
    }
    frame.set(output, frame.readUInt32LE(at + D.out));
    frame.writeUInt32LE(status, at + D.status);
    frame.writeUInt32LE(output.length, at + D.outLen);
  }
}

const NONE = Buffer.alloc(0);

/** What wraps and is named is wiped. Out as GENERATE_KEY. */
function wrapMade(
  job: JobView,
  wrapping: NodeKey,
  made: GeneratedPair,
  name: Uint8Array,
  choice: PrimitiveChoice,
): Buffer {
  const wrapped = chosen(choice, wrapping.spec, 0).seal(wrapping, NONE, job.in1, made.pkcs8);
  const materialId = createHmac('sha256', made.pkcs8).update(name).digest();
  made.pkcs8.fill(0);
  const lengths = words(wrapped.length, made.spki.length);
  return Buffer.concat([materialId, lengths, wrapped, made.spki]);
}

function importMaterial(
  job: JobView,
  key: NodeKey,
  wrapping: NodeKey | undefined,
  choice: PrimitiveChoice,
): Buffer {
  if (wrapping?.spec !== SPEC.DOMAIN) throw new JobStatus(STATUS.BAD_KEY);
  const made = openMaterial(job, key, choice);
  return wrapMade(job, wrapping, made, job.in2, choice);
}

/** @throws JobStatus UNSUPPORTED where no library passed its self-test */
function chosen(choice: PrimitiveChoice, spec: number, alg: number): Primitives {
  const primitives = choice.of(spec, alg);
  if (primitives === undefined) throw new JobStatus(STATUS.UNSUPPORTED);
  return primitives;
}

function runJob(
  job: JobView,
  key: NodeKey | undefined,
  key2: NodeKey | undefined,
  insert: Insert | undefined,
  choice: PrimitiveChoice,
): Buffer {
  if (job.op === OP.RANDOM) return randomBytes(job.param);
  if (job.op === OP.DIGEST) return digest(job);
  if (job.op === OP.LOAD_PUBLIC_KEY) {
    const made = chosen(choice, job.alg, 0).importPublicKey(job.alg, job.in0);
    return handleBytes(made, insert);
  }
  if (key === undefined) throw new JobStatus(STATUS.BAD_KEY);
  if (job.op === OP.REWRAP) return rewrap(job, key, key2, choice);
  if (job.op === OP.IMPORT_KEY) return importMaterial(job, key, key2, choice);
  const makes = MAKING.has(job.op);
  const primitives = chosen(choice, key.spec, makes ? 0 : job.alg);
  return makes || SEALING.has(job.op)
    ? runSealing(job, key, insert, primitives, choice)
    : runUse(job, key, primitives);
}

/** Operations whose `alg` is a key spec. */
const MAKING: ReadonlySet<number> = new Set([OP.GENERATE_KEY, OP.GENERATE_KEY_PAIR, OP.LOAD_KEY]);
const SEALING: ReadonlySet<number> = new Set([
  OP.ENCRYPT,
  OP.DECRYPT,
  OP.GENERATE_DATA_KEY,
  OP.WRAP,
]);

function runUse(job: JobView, key: NodeKey, primitives: Primitives): Buffer {
  switch (job.op) {
    case OP.MAC:
      return primitives.mac(key, job.in0);
    case OP.MAC_VERIFY: {
      const expect = primitives.mac(key, job.in0);
      if (expect.length !== job.in1.length || !timingSafeEqual(expect, job.in1)) {
        throw new JobStatus(STATUS.INVALID_MAC);
      }
      return NONE;
    }
    case OP.SIGN:
      return signed(job, key, primitives);
    case OP.VERIFY:
      verified(job, key, primitives);
      return NONE;
    case OP.ENCAPSULATE:
      requireMlKem(job.alg);
      return primitives.encapsulate(key);
    case OP.DECAPSULATE:
      requireMlKem(job.alg);
      return primitives.decapsulate(key, job.in0);
    case OP.RSA_ENCRYPT:
      return primitives.rsaEncrypt(key, job.alg, job.in0);
    case OP.RSA_DECRYPT:
      return primitives.rsaDecrypt(key, job.alg, job.in0);
    case OP.ECDH:
      return primitives.ecdh(key, job.in0);
    case OP.SIGV4:
      if (key.spec !== SPEC.SIGV4_SECRET) throw new JobStatus(STATUS.BAD_KEY);
      return primitives.checkSigV4(key.key, job.in0, job.in1, job.in2);
    default:
      throw new JobStatus(STATUS.UNSUPPORTED);
  }
}

function seals({ spec }: NodeKey): boolean {
  return spec === SPEC.SYMMETRIC_DEFAULT || spec === SPEC.DOMAIN || spec === SPEC.ROOT;
}

function rewrap(
  job: JobView,
  key: NodeKey,
  key2: NodeKey | undefined,
  choice: PrimitiveChoice,
): Buffer {
  if (key2 === undefined || !seals(key) || !seals(key2)) throw new JobStatus(STATUS.BAD_KEY);
  const plaintext = chosen(choice, key.spec, 0).open(key, NONE, job.in1, job.in0);
  try {
    return chosen(choice, key2.spec, 0).seal(key2, NONE, job.in2, plaintext);
  } finally {
    plaintext.fill(0);
  }
}

function signed(job: JobView, key: NodeKey, primitives: Primitives): Buffer {
  switch (job.param) {
    case FORM.MESSAGE:
      return primitives.signMessage(key, job.alg, job.in0);
    case FORM.DIGEST:
      return primitives.signDigest(key, job.alg, job.in0);
    case FORM.EXTERNAL_MU:
      return primitives.signMu(key, job.alg, job.in0);
    default:
      throw new JobStatus(STATUS.BAD_INPUT);
  }
}

function verified(job: JobView, key: NodeKey, primitives: Primitives): void {
  switch (job.param) {
    case FORM.MESSAGE:
      primitives.verifyMessage(key, job.alg, job.in0, job.in1);
      return;
    case FORM.DIGEST:
      primitives.verifyDigest(key, job.alg, job.in0, job.in1);
      return;
    case FORM.EXTERNAL_MU:
      primitives.verifyMu(key, job.alg, job.in0, job.in1);
      return;
    default:
      throw new JobStatus(STATUS.BAD_INPUT);
  }
}

function requireMlKem(alg: number): void {
  if (alg !== ALG.ML_KEM) throw new JobStatus(STATUS.UNSUPPORTED);
}

/** The jobs that encrypt or decrypt under a symmetric, domain or root key. */
function runSealing(
  job: JobView,
  key: NodeKey,
  insert: Insert | undefined,
  primitives: Primitives,
  choice: PrimitiveChoice,
): Buffer {
  if (!seals(key)) throw new JobStatus(STATUS.BAD_KEY);
  switch (job.op) {
    case OP.ENCRYPT:
      return primitives.seal(key, job.in2, job.in1, job.in0);
    case OP.DECRYPT:
      return primitives.open(key, job.in2, job.in1, job.in0);
    case OP.WRAP:
      return primitives.seal(key, NONE, job.in1, job.in0);
    case OP.GENERATE_DATA_KEY: {
      if (job.param < 1 || job.param > 1024) throw new JobStatus(STATUS.BAD_INPUT);
      const plaintext = randomBytes(job.param);
      return Buffer.concat([plaintext, primitives.seal(key, job.in2, job.in1, plaintext)]);
    }
    case OP.LOAD_KEY: {
      const plaintext = primitives.open(key, NONE, job.in1, job.in0);
      try {
        return handleBytes(chosen(choice, job.alg, 0).importKey(job.alg, plaintext), insert);
      } finally {
        plaintext.fill(0);
      }
    }
    case OP.GENERATE_KEY:
      return generateKey(job, key, choice);
    case OP.GENERATE_KEY_PAIR:
      return generateKeyPair(job, key, primitives, choice);
    default:
      throw new JobStatus(STATUS.UNSUPPORTED);
  }
}

function digest(job: JobView): Buffer {
  const hash = ['', 'sha1', 'sha256', 'sha384', 'sha512'][job.alg];
  if (hash === undefined || hash === '') throw new JobStatus(STATUS.UNSUPPORTED);
  return createHash(hash).update(job.in0).digest();
}

function words(...values: readonly number[]): Buffer {
  const out = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => {
    out.writeUInt32LE(value, 4 * i);
  });
  return out;
}

function handleBytes(key: NodeKey, insert: Insert | undefined): Buffer {
  if (insert === undefined) throw new JobStatus(STATUS.INTERNAL);
  const handle = insert(key);
  return words(handleSlot(handle), handleGeneration(handle));
}

function generateKey(job: JobView, wrapping: NodeKey, choice: PrimitiveChoice): Buffer {
  const length = secretBytes(job.alg);
  if (job.alg === SPEC.ROOT) throw new JobStatus(STATUS.UNSUPPORTED);
  const made =
    length === undefined
      ? chosen(choice, job.alg, 0).generatePair(job.alg)
      : { pkcs8: randomBytes(length), spki: NONE };
  return wrapMade(job, wrapping, made, job.in0, choice);
}

function generateKeyPair(
  job: JobView,
  key: NodeKey,
  primitives: Primitives,
  choice: PrimitiveChoice,
): Buffer {
  const pair = chosen(choice, job.alg, 0).generatePair(job.alg);
  const blob = primitives.seal(key, job.in2, job.in1, pair.pkcs8);
  const shown = (job.param & 1) === 1 ? pair.pkcs8 : NONE;
  const out = Buffer.concat([
    words(shown.length, pair.spki.length, blob.length),
    shown,
    pair.spki,
    blob,
  ]);
  pair.pkcs8.fill(0);
  return out;
}
