/**
 * Chooses the backend: native when the addon loads and passes its known answers, node otherwise, and
 * there @noble for each algorithm that node's OpenSSL lacks or its policy refuses. An algorithm whose self-test fails is not offered; a backend that fails symmetric encryption, without
 * which nothing can be stored, is not used at all.
 */
import type { AlgorithmReport, Backend } from './backend.js';
import { createNativeBackend } from './native.js';
import { loadNativeAddon, type NativeLoad } from './native-addon.js';
import { createNodeBackend } from './node.js';

export const BACKEND_CHOICES = ['auto', 'native', 'node', 'noble'] as const;
export type BackendChoice = (typeof BACKEND_CHOICES)[number];

export interface Selection {
  readonly backend: Backend;
  readonly algorithms: readonly AlgorithmReport[];
  /** Why the native backend is absent, if it is. */
  readonly nativeReason: string | undefined;
}

function usable(algorithms: readonly AlgorithmReport[]): boolean {
  return algorithms.every((row) => row.algorithm !== 'SYMMETRIC_DEFAULT' || row.backend !== 'none');
}

function isChoice(text: string): text is BackendChoice {
  return (BACKEND_CHOICES as readonly string[]).includes(text);
}

/** The environment overrides 'auto' only: what the configuration says outright, stands. */
function wantedBackend(choice: BackendChoice): { wanted: BackendChoice; reason: string } {
  const forced = process.env.KEYSTREL_BACKEND ?? '';
  if (choice !== 'auto' || forced === '') {
    return { wanted: choice, reason: `engine.backend is ${choice}` };
  }
  if (!isChoice(forced)) {
    throw new Error(`KEYSTREL_BACKEND=${forced}: not one of ${BACKEND_CHOICES.join(', ')}`);
  }
  return { wanted: forced, reason: `KEYSTREL_BACKEND=${forced}` };
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
  const { wanted, reason } = wantedBackend(choice);
  let nativeReason = reason;
  if (wanted === 'auto' || wanted === 'native') {
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
  }
  const prefer = wanted === 'noble' ? 'noble' : 'node';
  const backend = createNodeBackend({
    prefer,
    why: `${prefer === 'noble' ? '@noble' : 'node:crypto'}, because: ${nativeReason}`,
  });
  const algorithms = backend.selfTest();
  if (!usable(algorithms)) throw new Error('no backend passed its self-test');
  return { backend, algorithms, nativeReason };
}
