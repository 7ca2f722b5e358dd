/** Engines of both backends with a root key of their own, for tests of the engine. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyHandle } from '../../src/core/key-handle.js';
import type { KeySpec } from '../../src/core/records.js';
import { loadNativeAddon } from '../../src/engine/backends/native-addon.js';
import { createEngine, type EngineWithFaults } from '../../src/engine/engine.js';
import type { EngineOptions } from '../../src/engine/options.js';

/** Why the native backend cannot be tested here; undefined where it can. */
export const nativeMissing: string | undefined = (() => {
  const loaded = loadNativeAddon('native');
  return loaded.addon === undefined ? loaded.reason : undefined;
})();
if (nativeMissing !== undefined) console.log(`native backend not tested: ${nativeMissing}`);

export const backends: readonly ('native' | 'node' | 'noble')[] =
  nativeMissing === undefined ? ['native', 'node', 'noble'] : ['node', 'noble'];

export interface TestEngine {
  readonly engine: EngineWithFaults;
  readonly root: KeyHandle;
  /** Makes, wraps and loads a key; gives its handles. */
  make(spec: KeySpec): Promise<{ key: KeyHandle; publicKey: Buffer | undefined; wrapped: Buffer }>;
  close(): Promise<void>;
}

export async function openEngine(options: Partial<EngineOptions> = {}): Promise<TestEngine> {
  const directory = mkdtempSync(join(tmpdir(), 'keystrel-engine-'));
  const engine = await createEngine(options);
  const root = engine.vault.createFile(join(directory, 'root.key'));
  const aad = Buffer.from('test');
  return {
    engine,
    root,
    async make(spec) {
      const made = await engine.generateKey(root, spec, 'id', aad);
      const key = await engine.loadKey(root, spec, made.wrapped, aad);
      return { key, publicKey: made.publicKey, wrapped: made.wrapped };
    },
    async close() {
      await engine.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** xorshift over SEED=, printed, so that a failure can be repeated. */
export function seeded(): {
  readonly seed: number;
  int(below: number): number;
  bytes(n: number): Buffer;
} {
  const seed = Number(process.env.SEED ?? 1 + (Date.now() % 1_000_000_000));
  console.log(`seed ${seed} (repeat with SEED=${seed})`);
  let state = seed | 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  return {
    seed,
    int: (below) => next() % below,
    bytes: (n) => Buffer.from(Array.from({ length: n }, () => next() & 255)),
  };
}
