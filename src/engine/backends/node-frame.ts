/** Runs frames with node:crypto: the fallback where the addon cannot load. Same frames, same blobs. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { KeyHandle } from '../../core/key-handle.js';
import { handleGeneration, handleSlot } from '../../core/key-handle.js';
import { D, DESCRIPTOR_BYTES, HEADER_BYTES, OP, SPEC, STATUS } from '../frame-layout.js';
import * as node from './node-crypto.js';
import { signDigest, verifyDigest } from './node-digest-signatures.js';
import { importKey, importPublicKey, JobStatus, type NodeKey, secretBytes } from './node-keys.js';
import { checkSigV4 } from './node-sigv4.js';

/** The keys of a frame's jobs, in the order of the jobs. */
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
export function runNodeFrame(frame: Buffer, keys: FrameKeys, insert: Insert | undefined): void {
  const count = frame.readUInt32LE(4);
  for (let i = 0; i < count; i += 1) {
    const at = HEADER_BYTES + i * DESCRIPTOR_BYTES;
    let status: number = STATUS.OK;
    let output: Uint8Array = Buffer.alloc(0);
    try {
      output = runJob(view(frame, at), keys[i], insert);
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

function runJob(job: JobView, key: NodeKey | undefined, insert: Insert | undefined): Buffer {
  if (job.op === OP.RANDOM) return randomBytes(job.param);
  if (job.op === OP.DIGEST) return digest(job);
  if (job.op === OP.LOAD_PUBLIC_KEY) return handleBytes(importPublicKey(job.alg, job.in0), insert);
  if (key === undefined) throw new JobStatus(STATUS.BAD_KEY);
  switch (job.op) {
    case OP.MAC:
      return node.mac(key, job.in0);
    case OP.MAC_VERIFY: {
      const expect = node.mac(key, job.in0);
      if (expect.length !== job.in1.length || !timingSafeEqual(expect, job.in1)) {
        throw new JobStatus(STATUS.INVALID_MAC);
      }
      return NONE;
    }
    case OP.SIGN:
      return (job.param & 1) === 1
        ? signDigest(key, job.alg, job.in0)
        : node.signMessage(key, job.alg, job.in0);
    case OP.VERIFY:
      if ((job.param & 1) === 1) verifyDigest(key, job.alg, job.in0, job.in1);
      else node.verifyMessage(key, job.alg, job.in0, job.in1);
      return NONE;
    case OP.RSA_ENCRYPT:
      return node.rsaEncrypt(key, job.alg, job.in0);
    case OP.RSA_DECRYPT:
      return node.rsaDecrypt(key, job.alg, job.in0);
    case OP.ECDH:
      return node.ecdh(key, importPublicKey(key.spec, job.in0).key);
    case OP.SIGV4:
      if (key.spec !== SPEC.SIGV4_SECRET) throw new JobStatus(STATUS.BAD_KEY);
      return checkSigV4(key.key, job.in0, job.in1, job.in2);
    default:
      return runSealing(job, key, insert);
  }
}

/** The jobs that encrypt or decrypt under a symmetric, domain or root key. */
function runSealing(job: JobView, key: NodeKey, insert: Insert | undefined): Buffer {
  const seals =
    key.spec === SPEC.SYMMETRIC_DEFAULT || key.spec === SPEC.DOMAIN || key.spec === SPEC.ROOT;
  if (!seals) throw new JobStatus(STATUS.BAD_KEY);
  switch (job.op) {
    case OP.ENCRYPT:
      return node.seal(key, job.in2, job.in1, job.in0);
    case OP.DECRYPT:
      return node.open(key, job.in2, job.in1, job.in0);
    case OP.WRAP:
      return node.seal(key, NONE, job.in1, job.in0);
    case OP.GENERATE_DATA_KEY: {
      if (job.param < 1 || job.param > 1024) throw new JobStatus(STATUS.BAD_INPUT);
      const plaintext = randomBytes(job.param);
      return Buffer.concat([plaintext, node.seal(key, job.in2, job.in1, plaintext)]);
    }
    case OP.LOAD_KEY: {
      const plaintext = node.open(key, NONE, job.in1, job.in0);
      try {
        return handleBytes(importKey(job.alg, plaintext), insert);
      } finally {
        plaintext.fill(0);
      }
    }
    case OP.GENERATE_KEY:
      return generateKey(job, key);
    case OP.GENERATE_KEY_PAIR:
      return generateKeyPair(job, key);
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

function generateKey(job: JobView, wrapping: NodeKey): Buffer {
  const length = secretBytes(job.alg);
  if (job.alg === SPEC.ROOT) throw new JobStatus(STATUS.UNSUPPORTED);
  const made =
    length === undefined ? node.generatePair(job.alg) : { pkcs8: randomBytes(length), spki: NONE };
  const wrapped = node.seal(wrapping, NONE, job.in1, made.pkcs8);
  const materialId = createHmac('sha256', made.pkcs8).update(job.in0).digest();
  made.pkcs8.fill(0);
  const lengths = words(wrapped.length, made.spki.length);
  return Buffer.concat([materialId, lengths, wrapped, made.spki]);
}

function generateKeyPair(job: JobView, key: NodeKey): Buffer {
  const pair = node.generatePair(job.alg);
  const blob = node.seal(key, job.in2, job.in1, pair.pkcs8);
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
