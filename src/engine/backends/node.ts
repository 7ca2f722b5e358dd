/**
 * The backends without the addon: node:crypto, with @noble for what that lacks; or, when forced,
 * @noble for all. Keys are in this process's memory.
 */
import { cpus } from 'node:os';
import { D, DESCRIPTOR_BYTES, HEADER_BYTES } from '../frame-layout.js';
import type { Backend } from './backend.js';
import { noblePrimitives } from './noble-primitives.js';
import { type FrameKeys, runNodeFrame } from './node-frame.js';
import { NodeKeyRegistry } from './node-keys.js';
import { nodePrimitives } from './node-primitives.js';
import { createNodeVault } from './node-vault.js';
import { choosePrimitives } from './primitive-choice.js';
import type { Primitives } from './primitives.js';

function keysOf(frame: Buffer, registry: NodeKeyRegistry): FrameKeys {
  const count = frame.readUInt32LE(4);
  const keyAt = (at: number) => registry.get(frame.readUInt32LE(at), frame.readUInt32LE(at + 4));
  const keys = Array.from({ length: count }, (_, i) =>
    keyAt(HEADER_BYTES + i * DESCRIPTOR_BYTES + D.keySlot),
  );
  for (let i = 0; i < count; i += 1) {
    const at = HEADER_BYTES + i * DESCRIPTOR_BYTES + D.key2Slot;
    // Generations begin at 1: zero is no key.
    if (frame.readUInt32LE(at + 4) !== 0) keys[count + i] = keyAt(at);
  }
  return keys;
}

export interface NodeBackendOptions {
  /** Which library is preferred; 'noble' is for tests and uses no other. */
  readonly prefer: 'node' | 'noble';
  /** Why this backend was chosen. */
  readonly why: string;
  /** For tests: tables of primitives that stand for the real ones. */
  readonly node?: Primitives;
  readonly noble?: Primitives;
}

export function createNodeBackend(options: NodeBackendOptions): Backend {
  const node = options.node ?? nodePrimitives;
  const noble = options.noble ?? noblePrimitives;
  const choice =
    options.prefer === 'noble'
      ? choosePrimitives(noble, undefined, options.why)
      : choosePrimitives(node, noble, options.why);
  const registry = new NodeKeyRegistry();
  return {
    name: options.prefer,
    cpu: cpus()[0]?.model ?? 'unknown',
    cpuClass: options.prefer === 'noble' ? '@noble' : 'node:crypto',
    vault: createNodeVault(registry),
    run: (frame) => {
      runNodeFrame(frame, keysOf(frame, registry), (key) => registry.insert(key), choice);
    },
    runWith: (frame, keys) => {
      runNodeFrame(frame, keys as FrameKeys, undefined, choice);
    },
    attachments: (frame) => keysOf(frame, registry),
    freeKey: (key) => {
      registry.free(key);
    },
    breakEven: undefined,
    localKeys: true,
    selfTest: () => choice.algorithms,
  };
}
