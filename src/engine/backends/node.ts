/** The node backend: node:crypto, where the addon cannot load. Keys are in this process's memory. */
import { cpus } from 'node:os';
import { D, DESCRIPTOR_BYTES, HEADER_BYTES } from '../frame-layout.js';
import type { Backend } from './backend.js';
import { type FrameKeys, runNodeFrame } from './node-frame.js';
import { NodeKeyRegistry } from './node-keys.js';
import { nodeSelfTest } from './node-self-test.js';
import { createNodeVault } from './node-vault.js';

function keysOf(frame: Buffer, registry: NodeKeyRegistry): FrameKeys {
  const count = frame.readUInt32LE(4);
  return Array.from({ length: count }, (_, i) => {
    const at = HEADER_BYTES + i * DESCRIPTOR_BYTES;
    return registry.get(frame.readUInt32LE(at + D.keySlot), frame.readUInt32LE(at + D.keyGen));
  });
}

export function createNodeBackend(why: string): Backend {
  const registry = new NodeKeyRegistry();
  return {
    name: 'node',
    cpu: cpus()[0]?.model ?? 'unknown',
    cpuClass: 'node:crypto',
    vault: createNodeVault(registry),
    run: (frame) => {
      runNodeFrame(frame, keysOf(frame, registry), (key) => registry.insert(key));
    },
    attachments: (frame) => keysOf(frame, registry),
    freeKey: (key) => {
      registry.free(key);
    },
    localKeys: true,
    selfTest: () => nodeSelfTest(why),
  };
}
