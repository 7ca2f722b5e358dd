/**
 * Writes jobs into a frame and reads their outcomes back. Layout: frame-layout.ts.
 *
 * A frame is a fresh buffer: the outputs are views of it that their callers own. Base64 inputs are
 * decoded straight into it.
 */
import { BlobInput, type Payload } from '../core/blob.js';
import { handleGeneration, handleSlot } from '../core/key-handle.js';
import { DESCRIPTOR_BYTES, FRAME_MAGIC, HEADER_BYTES, STATUS } from './frame-layout.js';
import { type Job, statusError } from './job.js';

const align = (n: number): number => (n + 7) & ~7;

function sizeOf(jobs: readonly Job[]): number {
  let bytes = HEADER_BYTES + jobs.length * DESCRIPTOR_BYTES;
  for (const job of jobs) {
    bytes += align(job.in0.length) + align(job.in1.length) + align(job.in2.length);
    bytes += align(job.outCap);
  }
  return bytes;
}

function put(frame: Buffer, at: number, payload: Payload): void {
  if (payload.length === 0) return;
  if (payload instanceof BlobInput) payload.writeInto(frame, at);
  else frame.set(payload, at);
}

/** `own`: the frame must be its own ArrayBuffer, because it will be transferred. */
export function writeFrame(jobs: readonly Job[], own: boolean): Buffer {
  const bytes = sizeOf(jobs);
  const frame = own ? Buffer.allocUnsafeSlow(bytes) : Buffer.allocUnsafe(bytes);
  const head = (HEADER_BYTES + jobs.length * DESCRIPTOR_BYTES) >> 2;
  const words = new Int32Array(frame.buffer, frame.byteOffset, head);
  words[0] = FRAME_MAGIC;
  words[1] = jobs.length;
  words[2] = bytes;
  words[3] = words[4] = words[5] = words[6] = words[7] = 0;
  let w = HEADER_BYTES >> 2;
  let at = head << 2;
  for (const job of jobs) {
    words[w] = job.op | (job.alg << 16);
    words[w + 1] = STATUS.PENDING;
    words[w + 2] = handleSlot(job.key);
    words[w + 3] = handleGeneration(job.key);
    words[w + 4] = words[w + 5] = 0;
    words[w + 6] = at;
    words[w + 7] = job.in0.length;
    put(frame, at, job.in0);
    at += align(job.in0.length);
    words[w + 8] = at;
    words[w + 9] = job.in1.length;
    put(frame, at, job.in1);
    at += align(job.in1.length);
    words[w + 10] = at;
    words[w + 11] = job.in2.length;
    put(frame, at, job.in2);
    at += align(job.in2.length);
    words[w + 12] = at;
    words[w + 13] = job.outCap;
    words[w + 14] = 0;
    words[w + 15] = job.param;
    at += align(job.outCap);
    w += DESCRIPTOR_BYTES >> 2;
  }
  return frame;
}

/** Gives every job its outcome. The frame is the one that `writeFrame` made, or its moved copy. */
export function settleFrame(jobs: readonly Job[], frame: Buffer): void {
  const head = (HEADER_BYTES + jobs.length * DESCRIPTOR_BYTES) >> 2;
  const words = new Int32Array(frame.buffer, frame.byteOffset, head);
  let w = HEADER_BYTES >> 2;
  for (const job of jobs) {
    const status = words[w + 1]!;
    if (status === STATUS.OK) {
      const out = words[w + 12]!;
      job.resolve(frame.subarray(out, out + words[w + 14]!));
    } else {
      job.reject(statusError(status));
    }
    w += DESCRIPTOR_BYTES >> 2;
  }
}
