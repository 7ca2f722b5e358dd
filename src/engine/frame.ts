/**
 * Writes jobs into a frame and reads their outcomes back; the layout is drawn in frame-layout.ts.
 * All inputs stand before all outputs, so that outputs leave a frame in one copy.
 */
import type { Payload } from '../core/blob.js';
import { handleGeneration, handleSlot, NO_KEY } from '../core/key-handle.js';
import { DESCRIPTOR_BYTES, FRAME_MAGIC, HEADER_BYTES, STATUS } from './frame-layout.js';
import { type Job, NO_BYTES, statusError } from './job.js';

const NS_PER_MS = 1e6;
const HEADER_WORDS = HEADER_BYTES >> 2;
const DESCRIPTOR_WORDS = DESCRIPTOR_BYTES >> 2;

const align = (n: number): number => (n + 7) & ~7;

/** Where the outputs begin. */
function inputsEnd(jobs: readonly Job[]): number {
  let bytes = HEADER_BYTES + jobs.length * DESCRIPTOR_BYTES;
  let header: Payload | undefined;
  for (let i = 0; i < jobs.length; i += 1) {
    const job = jobs[i]!;
    bytes += align(job.in0.length) + align(job.in1.length);
    if (job.in2 !== header) {
      header = job.in2;
      bytes += align(header.length);
    }
  }
  return bytes;
}

function outputBytes(jobs: readonly Job[]): number {
  let bytes = 0;
  for (let i = 0; i < jobs.length; i += 1) bytes += align(jobs[i]!.outCap);
  return bytes;
}

function put(frame: Buffer, at: number, payload: Payload): void {
  if (payload instanceof Uint8Array) frame.set(payload, at);
  else payload.writeInto(frame, at);
}

/** Writes jobs to the front of `frame`; `words` views the same memory. */
function fillFrame(
  jobs: readonly Job[],
  frame: Buffer,
  words: Int32Array,
  outputsAt: number,
  bytes: number,
): void {
  words[0] = FRAME_MAGIC;
  words[1] = jobs.length;
  words[2] = bytes;
  words[3] = words[4] = words[5] = words[6] = words[7] = 0;
  let w = HEADER_WORDS;
  let at = HEADER_BYTES + jobs.length * DESCRIPTOR_BYTES;
  let out = outputsAt;
  // Jobs under one key come with the same header object: it is written once.
  let header: Payload | undefined;
  let headerAt = 0;
  let key = NO_KEY;
  let slot = 0;
  let generation = 0;
  for (let i = 0; i < jobs.length; i += 1) {
    const job = jobs[i]!;
    const { in0, in1, in2, outCap } = job;
    if (job.key !== key) {
      key = job.key;
      slot = handleSlot(key);
      generation = handleGeneration(key);
    }
    const [n0, n1, n2] = [in0.length, in1.length, in2.length];
    words[w] = job.op | (job.alg << 16);
    words[w + 1] = STATUS.PENDING;
    words[w + 2] = slot;
    words[w + 3] = generation;
    words[w + 4] = words[w + 5] = 0;
    if (job.key2 !== NO_KEY) {
      words[w + 4] = handleSlot(job.key2);
      words[w + 5] = handleGeneration(job.key2);
    }
    words[w + 6] = at;
    words[w + 7] = n0;
    if (n0 !== 0) put(frame, at, in0);
    at += align(n0);
    words[w + 8] = at;
    words[w + 9] = n1;
    if (n1 !== 0) put(frame, at, in1);
    at += align(n1);
    if (in2 !== header) {
      header = in2;
      headerAt = at;
      if (n2 !== 0) put(frame, at, in2);
      at += align(n2);
    }
    words[w + 10] = headerAt;
    words[w + 11] = n2;
    words[w + 12] = out;
    words[w + 13] = outCap;
    words[w + 14] = 0;
    words[w + 15] = job.param;
    out += align(outCap);
    w += DESCRIPTOR_WORDS;
  }
}

/** `own`: the frame must be its own ArrayBuffer, because it will be transferred. */
export function writeFrame(jobs: readonly Job[], own: boolean): Buffer {
  const outputsAt = inputsEnd(jobs);
  const bytes = outputsAt + outputBytes(jobs);
  const frame = own ? Buffer.allocUnsafeSlow(bytes) : Buffer.allocUnsafe(bytes);
  const words = new Int32Array(frame.buffer, frame.byteOffset, outputsAt >> 2);
  fillFrame(jobs, frame, words, outputsAt, bytes);
  return frame;
}

/**
 * A Buffer, made at a third of what `subarray` costs: that computes and checks what is known here.
 * It inherits all from Buffer, even `constructor`, so that copies and comparisons see no difference.
 */
class Output extends Uint8Array {}
Object.setPrototypeOf(Output.prototype, Buffer.prototype);
Reflect.deleteProperty(Output.prototype, 'constructor');

/**
 * `outputs` holds the frame's bytes from `outputsAt` on, beginning at `base`. Jobs settle at once:
 * what their owners do then may run other frames, but not one in the same memory.
 */
function settle(
  jobs: readonly Job[],
  words: Int32Array,
  outputs: Buffer,
  base: number,
  outputsAt: number,
): void {
  const memory = outputs.buffer as ArrayBuffer;
  const from = outputs.byteOffset + base - outputsAt;
  let w = HEADER_WORDS;
  for (let i = 0; i < jobs.length; i += 1) {
    const job = jobs[i]!;
    const status = words[w + 1]!;
    if (status === STATUS.OK && job.discards) {
      job.resolve(NO_BYTES);
    } else if (status === STATUS.OK) {
      const output: Uint8Array = new Output(memory, from + words[w + 12]!, words[w + 14]);
      job.resolve(output as Buffer);
    } else {
      job.reject(statusError(status));
    }
    w += DESCRIPTOR_WORDS;
  }
}

/** Gives every job its outcome. The frame is the one that `writeFrame` made, or its moved copy. */
export function settleFrame(jobs: readonly Job[], frame: Buffer): void {
  const head = (HEADER_BYTES + jobs.length * DESCRIPTOR_BYTES) >> 2;
  const words = new Int32Array(frame.buffer, frame.byteOffset, head);
  settle(jobs, words, frame, 0, 0);
}

/** The frame that is kept, and the slab that outputs are cut from, bytes. */
const KEPT_BYTES = 65_536;
const SLAB_BYTES = 32_768;

/**
 * Runs jobs on this thread, in a frame that is used again and again: making an ArrayBuffer costs
 * more than encrypting a short message. Outputs are copied out together; the frame is wiped.
 */
export class InlineFrames {
  readonly #run: (frame: Buffer) => void;
  readonly #frame = Buffer.allocUnsafeSlow(KEPT_BYTES);
  readonly #words = new Int32Array(this.#frame.buffer, 0, KEPT_BYTES >> 2);
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #used = 0;
  /** The kept frame is in use: an owner of a settled job runs another one. */
  #busy = false;

  constructor(run: (frame: Buffer) => void) {
    this.#run = run;
  }

  /** Gives the ns that it took, without what the owners of the jobs did with their outputs. */
  run(jobs: readonly Job[]): number {
    const startMs = performance.now();
    const outputsAt = inputsEnd(jobs);
    const outLen = outputBytes(jobs);
    const bytes = outputsAt + outLen;
    if (this.#busy || bytes > KEPT_BYTES || outLen > SLAB_BYTES) {
      const large = writeFrame(jobs, false);
      this.#run(large);
      const ns = NS_PER_MS * (performance.now() - startMs);
      settleFrame(jobs, large);
      return ns;
    }
    this.#busy = true;
    try {
      return this.#runKept(jobs, outputsAt, outLen, startMs);
    } finally {
      this.#busy = false;
    }
  }

  #runKept(jobs: readonly Job[], outputsAt: number, outLen: number, startMs: number): number {
    const frame = this.#frame;
    const bytes = outputsAt + outLen;
    fillFrame(jobs, frame, this.#words, outputsAt, bytes);
    this.#run(frame);
    if (this.#used + outLen > SLAB_BYTES) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    const base = this.#used;
    this.#used += outLen;
    frame.copy(this.#slab, base, outputsAt, bytes);
    const payload = HEADER_BYTES + jobs.length * DESCRIPTOR_BYTES;
    frame.fill(0, payload, bytes);
    const ns = NS_PER_MS * (performance.now() - startMs);
    settle(jobs, this.#words, this.#slab, base, outputsAt);
    return ns;
  }
}
