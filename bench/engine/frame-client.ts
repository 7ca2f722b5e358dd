/** Jobs written into frames and run in place, as the engine does it, without lanes or promises. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KeyHandle, makeHandle } from '../../src/core/key-handle.js';
import type { KeySpec } from '../../src/core/records.js';
import type { Backend } from '../../src/engine/backends/backend.js';
import { selectBackend } from '../../src/engine/backends/select.js';
import { InlineFrames } from '../../src/engine/frame.js';
import { OP, SPEC } from '../../src/engine/frame-layout.js';
import { Job, type JobInit } from '../../src/engine/job.js';

export interface LoadedKey {
  readonly key: KeyHandle;
  /** DER SPKI; empty for secret keys. */
  readonly spki: Buffer;
}

const AAD = Buffer.from('bench');

class CountedJob extends Job {
  readonly #count: (bytes: number) => void;

  constructor(init: JobInit, count: (bytes: number) => void) {
    super(init);
    this.#count = count;
  }

  override resolve(output: Buffer): void {
    this.#count(output.length);
  }

  override reject(error: unknown): void {
    throw error;
  }
}

export class FrameClient {
  readonly backend: Backend;
  readonly #frames: InlineFrames;
  readonly #root: KeyHandle;
  /** Bytes of output so far, so that no output is left out as unused. */
  outputBytes = 0;

  constructor(backend: 'native' | 'noble' | 'node') {
    this.backend = selectBackend(backend).backend;
    this.#frames = new InlineFrames(this.backend.run);
    const directory = mkdtempSync(join(tmpdir(), 'keystrel-bench-'));
    this.#root = this.backend.vault.createFile(join(directory, 'root.key'));
    rmSync(directory, { recursive: true });
  }

  /** A job that may run again and again, counts its output, and throws when it fails. */
  job(init: JobInit): Job {
    return new CountedJob(init, (bytes) => {
      this.outputBytes += bytes;
    });
  }

  run(jobs: readonly Job[]): void {
    this.#frames.run(jobs);
  }

  /** Runs one job and gives its output. */
  one(init: JobInit): Buffer {
    let output: Buffer | undefined;
    let failure: Error | undefined;
    const job = new Job(init);
    job.done(
      undefined,
      (bytes) => {
        output = bytes;
      },
      (error) => {
        failure = error as Error;
      },
    );
    this.#frames.run([job]);
    if (failure !== undefined) throw failure;
    return output!;
  }

  generate(spec: KeySpec): LoadedKey {
    const alg = SPEC[spec as keyof typeof SPEC];
    const made = this.one({
      lane: 'keygen',
      op: OP.GENERATE_KEY,
      alg,
      key: this.#root,
      in0: AAD,
      in1: AAD,
      outCap: 4096,
    });
    const wrappedEnd = 40 + made.readUInt32LE(32);
    const loaded = this.one({
      lane: 'keygen',
      op: OP.LOAD_KEY,
      alg,
      key: this.#root,
      in0: made.subarray(40, wrappedEnd),
      in1: AAD,
      outCap: 8,
    });
    const spki = Buffer.from(made.subarray(wrappedEnd, wrappedEnd + made.readUInt32LE(36)));
    return { key: makeHandle(loaded.readUInt32LE(0), loaded.readUInt32LE(4)), spki };
  }
}
