/**
 * Chooses the backend: native when the addon loads and passes its known answers, node otherwise. An
 * algorithm whose self-test fails is not offered; a backend that fails symmetric encryption, without
 * which nothing can be stored, is not used at all.
 */
import type { AlgorithmReport, Backend } from './backend.js';
import { createNativeBackend } from './native.js';
import { loadNativeAddon, type NativeLoad } from './native-addon.js';
import { createNodeBackend } from './node.js';

export type BackendChoice = 'auto' | 'native' | 'node';

export interface Selection {
  readonly backend: Backend;
  readonly algorithms: readonly AlgorithmReport[];
  /** Why the native backend is absent, if it is. */
  readonly nativeReason: string | undefined;
}

function usable(algorithms: readonly AlgorithmReport[]): boolean {
  return algorithms.every((row) => row.algorithm !== 'SYMMETRIC_DEFAULT' || row.backend !== 'none');
}

/**
 * @param choice 'native' fails where the addon cannot be used; KEYSTREL_BACKEND overrides 'auto'.
 * @param load For tests: another loader.
 * @throws Error naming the reason when no backend can be used
 */
export function selectBackend(
  choice: BackendChoice,
  load: (wanted: string) => NativeLoad = loadNativeAddon,
): Selection {
  const wanted = choice === 'auto' ? (process.env.KEYSTREL_BACKEND ?? 'auto') : choice;
  let nativeReason = 'engine.backend is node';
  if (wanted !== 'node') {
    const loaded = load(wanted);
    if (loaded.addon !== undefined) {
      const backend = createNativeBackend(loaded.addon);
      const algorithms = backend.selfTest();
      if (usable(algorithms)) return { backend, algorithms, nativeReason: undefined };
      nativeReason = 'the addon failed its self-test of symmetric encryption';
    } else {
      nativeReason = loaded.reason;
    }
    if (wanted === 'native') throw new Error(`native backend: ${nativeReason}`);
  } else if (process.env.KEYSTREL_BACKEND === 'node') {
    nativeReason = 'KEYSTREL_BACKEND=node';
  }
  const backend = createNodeBackend(`node:crypto, because: ${nativeReason}`);
  const algorithms = backend.selfTest();
  if (!usable(algorithms)) throw new Error('no backend passed its self-test');
  return { backend, algorithms, nativeReason };
}
