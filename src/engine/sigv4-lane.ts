/** SigV4 checks: run at the end of the turn in which they came, as one frame, and never elsewhere. */
import { InlineFrames } from './frame.js';
import type { Job } from './job.js';
import type { EngineError, SigV4Check } from './port.js';

const RIGHT: SigV4Check = Object.freeze({ ok: true, payloadHash: '' });
const WRONG: SigV4Check = Object.freeze({ ok: false, payloadHash: '' });
/** Hex digits of SHA-256 of the body. */
export const PAYLOAD_HASH_CHARS = 64;

export function right(): SigV4Check {
  return RIGHT;
}

export function rightWithHash(output: Buffer): SigV4Check {
  return { ok: true, payloadHash: output.toString('latin1', 0, PAYLOAD_HASH_CHARS) };
}

export function wrongSignature(error: unknown): SigV4Check {
  if ((error as EngineError).status === 'INVALID_SIGNATURE') return WRONG;
  throw error;
}

/** Signature checks of one turn, run as one frame before the turn ends. */
export class SigV4Lane {
  readonly #frames: InlineFrames;
  readonly #batchMax: number;
  #queue: Job[] = [];

  constructor(run: (frame: Buffer) => void, batchMax: number) {
    this.#frames = new InlineFrames(run);
    this.#batchMax = batchMax;
  }

  submit(job: Job): void {
    if (this.#queue.push(job) === 1) process.nextTick(this.#flush);
  }

  readonly #flush = (): void => {
    const jobs = this.#queue;
    this.#queue = [];
    if (jobs.length <= this.#batchMax) {
      this.#frames.run(jobs);
      return;
    }
    for (let at = 0; at < jobs.length; at += this.#batchMax) {
      this.#frames.run(jobs.slice(at, at + this.#batchMax));
    }
  };
}
