/**
 * The engine: turns calls into jobs, and gives each to its lane. See port.ts for the contract, and
 * ARCHITECTURE.md, "The engine", for how frames, lanes and workers fit together.
 */
import { availableParallelism } from 'node:os';
import { AsciiInput, type Payload } from '../core/blob.js';
import type { KeyHandle } from '../core/key-handle.js';
import type { Later } from '../core/later.js';
import type { KeySpec, MessageType } from '../core/records.js';
import type { RootVault } from '../seal/port.js';
import { ciphertextRoom, keySpecRow, plaintextRoom } from '../specs/key-specs.js';
import type { Backend } from './backends/backend.js';
import { type Selection, selectBackend } from './backends/select.js';
import { BreakEvenBook } from './break-even.js';
import { Dispatcher, type DispatchMode } from './dispatcher.js';
import { OP, SEAL_OVERHEAD_BYTES } from './frame-layout.js';
import { algOf, formOf, specOf } from './frame-numbers.js';
import { Job, type JobInit } from './job.js';
import { laneOf, makingLane } from './lanes.js';
import { DEFAULT_ENGINE_OPTIONS, type EngineOptions } from './options.js';
import {
  encapsulated,
  generatedKey,
  generatedKeyPair,
  handleOf,
  SHARED_SECRET_BYTES,
} from './outputs.js';
import { createPool, type FramePool } from './pool.js';
import {
  type Encapsulated,
  type Engine,
  EngineError,
  type EngineReport,
  type GeneratedKey,
  type GeneratedKeyPair,
  type ImportRequest,
  type InternalSpec,
  type SigV4Check,
} from './port.js';
import {
  PAYLOAD_HASH_CHARS,
  right,
  rightWithHash,
  SigV4Lane,
  wrongSignature,
} from './sigv4-lane.js';

/** Longest wrapped PKCS#8 of RSA-4096 with its SPKI and lengths, bytes. */
const GENERATED_BYTES_MAX = 4096;
const PAIR_BYTES_MAX = 8192;

/** What tests may break; it needs KEYSTREL_FAULTS=1 in the environment to have any effect. */
export interface EngineWithFaults extends Engine {
  readonly faults: { killWorkers(count: number): void };
}

/** @throws Error naming the reason when no backend can be used */
export async function createEngine(
  options: Partial<EngineOptions> = {},
): Promise<EngineWithFaults> {
  const settings = { ...DEFAULT_ENGINE_OPTIONS, ...options };
  const selection = selectBackend(settings.backend);
  const breakEvens = new BreakEvenBook(selection.backend.breakEven, {
    directory: settings.cacheDirectory,
    measures: settings.measures ?? true,
    variable: process.env.KEYSTREL_BREAK_EVEN,
  });
  const threads =
    settings.dispatch === 'inline' ? 0 : settings.threads || Math.max(2, availableParallelism());
  const pool = threads === 0 ? undefined : createPool(selection.backend, threads);
  try {
    await pool?.ready();
  } catch (error) {
    await pool?.close();
    throw error;
  }
  return new LaneEngine(selection, pool, settings, breakEvens);
}

class LaneEngine implements EngineWithFaults {
  readonly vault: RootVault;
  readonly faults: EngineWithFaults['faults'];
  readonly #selection: Selection;
  readonly #backend: Backend;
  readonly #pool: FramePool | undefined;
  readonly #dispatch: DispatchMode;
  readonly #dispatcher: Dispatcher;
  readonly #breakEvens: BreakEvenBook;
  readonly #sigV4: SigV4Lane;
  /** Algorithms and specs that failed their self-test. */
  readonly #failed: ReadonlySet<string>;

  constructor(
    selection: Selection,
    pool: FramePool | undefined,
    settings: EngineOptions,
    breakEvens: BreakEvenBook,
  ) {
    const { backend, algorithms } = selection;
    this.vault = backend.vault;
    this.#selection = selection;
    this.#backend = backend;
    this.#pool = pool;
    this.#dispatch = settings.dispatch;
    const dispatcher = new Dispatcher({
      backend,
      pool,
      mode: settings.dispatch,
      batchMax: settings.batchMax,
      ...(settings.laneJobsMax === undefined ? {} : { laneJobsMax: settings.laneJobsMax }),
    });
    this.#dispatcher = dispatcher;
    this.#breakEvens = breakEvens;
    if (pool !== undefined) {
      void breakEvens.measure(
        (name) => pool.measure(name),
        () => dispatcher.isBusy,
      );
    }
    this.faults = {
      killWorkers: (count) => {
        dispatcher.killNext = count;
      },
    };
    this.#sigV4 = new SigV4Lane(backend.run, settings.batchMax);
    this.#failed = new Set(
      algorithms.filter((row) => row.backend === 'none').map((row) => row.algorithm),
    );
  }

  #submit(init: JobInit): Later<Buffer> {
    const job = new Job(init);
    this.#dispatcher.submit(job);
    return job;
  }

  #offered(name: string): void {
    if (this.#failed.has(name)) throw new EngineError('UNSUPPORTED');
  }

  random(bytes: number): Promise<Buffer> {
    return this.#submit({ lane: 'symmetric', op: OP.RANDOM, param: bytes, outCap: bytes });
  }

  encrypt(
    key: KeyHandle,
    plaintext: Payload,
    context: Uint8Array,
    header: Uint8Array,
  ): Promise<Buffer> {
    return this.#submit({
      lane: 'symmetric',
      op: OP.ENCRYPT,
      key,
      in0: plaintext,
      in1: context,
      in2: header,
      outCap: header.length + plaintext.length + SEAL_OVERHEAD_BYTES,
    });
  }

  decrypt(key: KeyHandle, blob: Payload, context: Uint8Array, header: Uint8Array): Promise<Buffer> {
    return this.#submit({
      lane: 'symmetric',
      op: OP.DECRYPT,
      key,
      in0: blob,
      in1: context,
      in2: header,
      outCap: Math.max(0, blob.length - header.length - SEAL_OVERHEAD_BYTES),
    });
  }

  generateDataKey(
    key: KeyHandle,
    bytes: number,
    context: Uint8Array,
    header: Uint8Array,
  ): Promise<{ plaintext: Buffer; blob: Buffer }> {
    const job = this.#submit({
      lane: 'symmetric',
      op: OP.GENERATE_DATA_KEY,
      key,
      in1: context,
      in2: header,
      param: bytes,
      outCap: 2 * bytes + header.length + SEAL_OVERHEAD_BYTES,
    });
    return job.then((output) => ({
      plaintext: output.subarray(0, bytes),
      blob: output.subarray(bytes),
    }));
  }

  mac(key: KeyHandle, _spec: KeySpec, message: Payload): Promise<Buffer> {
    return this.#submit({ lane: 'symmetric', op: OP.MAC, key, in0: message, outCap: 64 });
  }

  async verifyMac(key: KeyHandle, _spec: KeySpec, message: Payload, mac: Payload): Promise<void> {
    await this.#submit({
      lane: 'symmetric',
      op: OP.MAC_VERIFY,
      key,
      in0: message,
      in1: mac,
      outCap: 0,
    });
  }

  async sign(
    key: KeyHandle,
    spec: KeySpec,
    algorithm: string,
    message: Payload,
    messageType: MessageType,
  ): Promise<Buffer> {
    this.#offered(spec);
    this.#offered(algorithm);
    const row = keySpecRow(spec);
    return this.#submit({
      lane: row.lane,
      op: OP.SIGN,
      alg: algOf(algorithm),
      key,
      in0: message,
      param: formOf(messageType),
      outCap: row.signatureBytesMax,
    });
  }

  async verify(
    key: KeyHandle,
    spec: KeySpec,
    algorithm: string,
    message: Payload,
    messageType: MessageType,
    signature: Payload,
  ): Promise<void> {
    this.#offered(spec);
    this.#offered(algorithm);
    await this.#submit({
      lane: laneOf(spec),
      op: OP.VERIFY,
      alg: algOf(algorithm),
      key,
      in0: message,
      in1: signature,
      param: formOf(messageType),
      outCap: 0,
    });
  }

  async rsaEncrypt(
    key: KeyHandle,
    spec: KeySpec,
    algorithm: string,
    plaintext: Payload,
  ): Promise<Buffer> {
    this.#offered(algorithm);
    const row = keySpecRow(spec);
    return this.#submit({
      lane: row.lane,
      op: OP.RSA_ENCRYPT,
      alg: algOf(algorithm),
      key,
      in0: plaintext,
      outCap: ciphertextRoom(row, plaintext.length),
    });
  }

  async rsaDecrypt(
    key: KeyHandle,
    spec: KeySpec,
    algorithm: string,
    ciphertext: Payload,
  ): Promise<Buffer> {
    this.#offered(algorithm);
    const row = keySpecRow(spec);
    return this.#submit({
      lane: row.lane,
      op: OP.RSA_DECRYPT,
      alg: algOf(algorithm),
      key,
      in0: ciphertext,
      outCap: plaintextRoom(row, ciphertext.length),
    });
  }

  async deriveSharedSecret(key: KeyHandle, spec: KeySpec, peerSpki: Payload): Promise<Buffer> {
    this.#offered(spec);
    const row = keySpecRow(spec);
    return this.#submit({ lane: row.lane, op: OP.ECDH, key, in0: peerSpki, outCap: row.sizeBytes });
  }

  async encapsulate(key: KeyHandle, spec: KeySpec, algorithm: string): Promise<Encapsulated> {
    this.#offered(spec);
    const row = keySpecRow(spec);
    const output = await this.#submit({
      lane: row.lane,
      op: OP.ENCAPSULATE,
      alg: algOf(algorithm),
      key,
      outCap: SHARED_SECRET_BYTES + row.sizeBytes,
    });
    return encapsulated(output);
  }

  async decapsulate(
    key: KeyHandle,
    spec: KeySpec,
    algorithm: string,
    ciphertext: Payload,
  ): Promise<Buffer> {
    this.#offered(spec);
    return this.#submit({
      lane: laneOf(spec),
      op: OP.DECAPSULATE,
      alg: algOf(algorithm),
      key,
      in0: ciphertext,
      outCap: SHARED_SECRET_BYTES,
    });
  }

  async generateKey(
    wrappingKey: KeyHandle,
    spec: KeySpec | InternalSpec,
    keyId: string,
    aad: Uint8Array,
  ): Promise<GeneratedKey> {
    return generatedKey(
      await this.#submit({
        lane: makingLane(spec),
        op: OP.GENERATE_KEY,
        alg: specOf(spec),
        key: wrappingKey,
        in0: Buffer.from(keyId),
        in1: aad,
        outCap: GENERATED_BYTES_MAX,
      }),
    );
  }

  async importKey(
    wrappingKey: KeyHandle,
    importKey: KeyHandle,
    { spec, algorithm, encryptedMaterial, keyId, aad }: ImportRequest,
  ): Promise<GeneratedKey> {
    this.#offered(spec);
    // The hybrid algorithms begin with OAEP of the same hash.
    this.#offered(algorithm.replace('RSA_AES_KEY_WRAP', 'RSAES_OAEP'));
    return generatedKey(
      await this.#submit({
        lane: 'keygen',
        op: OP.IMPORT_KEY,
        alg: specOf(spec),
        key: importKey,
        key2: wrappingKey,
        in0: encryptedMaterial,
        in1: aad,
        in2: Buffer.from(keyId),
        param: algOf(algorithm),
        outCap: GENERATED_BYTES_MAX,
      }),
    );
  }

  async generateKeyPair(
    key: KeyHandle,
    pairSpec: KeySpec,
    context: Uint8Array,
    header: Uint8Array,
    withPlaintext: boolean,
  ): Promise<GeneratedKeyPair> {
    const output = await this.#submit({
      lane: makingLane(pairSpec),
      op: OP.GENERATE_KEY_PAIR,
      alg: specOf(pairSpec),
      key,
      in1: context,
      in2: header,
      param: withPlaintext ? 1 : 0,
      outCap: PAIR_BYTES_MAX,
    });
    return generatedKeyPair(output, withPlaintext);
  }

  async loadKey(
    wrappingKey: KeyHandle,
    spec: KeySpec | InternalSpec,
    wrapped: Uint8Array,
    aad: Uint8Array,
  ): Promise<KeyHandle> {
    return handleOf(
      await this.#submit({
        lane: spec === 'DOMAIN' || spec === 'SIGV4_SECRET' ? 'symmetric' : laneOf(spec),
        op: OP.LOAD_KEY,
        alg: specOf(spec),
        key: wrappingKey,
        in0: wrapped,
        in1: aad,
        outCap: 8,
        local: this.#backend.localKeys,
      }),
    );
  }

  async loadPublicKey(spec: KeySpec, spki: Uint8Array): Promise<KeyHandle> {
    return handleOf(
      await this.#submit({
        lane: laneOf(spec),
        op: OP.LOAD_PUBLIC_KEY,
        alg: specOf(spec),
        in0: spki,
        outCap: 8,
        local: this.#backend.localKeys,
      }),
    );
  }

  wrap(wrappingKey: KeyHandle, plaintext: Uint8Array, aad: Uint8Array): Promise<Buffer> {
    return this.#submit({
      lane: 'symmetric',
      op: OP.WRAP,
      key: wrappingKey,
      in0: plaintext,
      in1: aad,
      outCap: plaintext.length + SEAL_OVERHEAD_BYTES,
    });
  }

  rewrap(
    wrappingKey: KeyHandle,
    wrapped: Uint8Array,
    aad: Uint8Array,
    newWrappingKey: KeyHandle,
    newAad: Uint8Array,
  ): Promise<Buffer> {
    return this.#submit({
      lane: 'symmetric',
      op: OP.REWRAP,
      key: wrappingKey,
      key2: newWrappingKey,
      in0: wrapped,
      in1: aad,
      in2: newAad,
      outCap: wrapped.length,
    });
  }

  freeKey(key: KeyHandle): void {
    this.#backend.freeKey(key);
  }

  verifySigV4(
    secret: KeyHandle,
    canonical: string | Uint8Array,
    body: Uint8Array,
    tail: string,
    hash = true,
  ): Promise<SigV4Check> {
    const job = new Job({
      lane: 'symmetric',
      op: OP.SIGV4,
      key: secret,
      in0: typeof canonical === 'string' ? new AsciiInput(canonical) : canonical,
      in1: body,
      in2: new AsciiInput(tail),
      outCap: PAYLOAD_HASH_CHARS,
      discards: !hash,
    });
    this.#sigV4.submit(job);
    return job.then(hash ? rightWithHash : right, wrongSignature);
  }

  status(): EngineReport {
    return {
      cpu: this.#backend.cpu,
      cpuClass: this.#backend.cpuClass,
      dispatch: this.#dispatch,
      threads: this.#pool?.threads ?? 0,
      nativeReason: this.#selection.nativeReason,
      algorithms: this.#selection.algorithms,
      lanes: this.#dispatcher.report(),
      breakEvens: this.#breakEvens.report(),
    };
  }

  async close(): Promise<void> {
    this.#breakEvens.close();
    await this.#dispatcher.close();
    await this.#pool?.close();
  }
}
