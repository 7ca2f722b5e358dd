/**
 * Chooses, per algorithm, the table of primitives that runs it: the preferred one where it passed its
 * known answers, else the other where that passed, else none.
 */
import { ALG, SPEC } from '../frame-layout.js';
import type { AlgorithmReport } from './backend.js';
import type { Primitives } from './primitives.js';
import { type Outcome, selfTest } from './self-test.js';

export interface PrimitiveChoice {
  /** What runs jobs of a key's spec and an algorithm; undefined where nothing does. */
  of(spec: number, alg: number): Primitives | undefined;
  readonly algorithms: readonly AlgorithmReport[];
}

/** Names of self-tests that stand for key specs of other names. */
const SPECS_OF: Readonly<Record<string, readonly number[]>> = {
  SYMMETRIC_DEFAULT: [SPEC.SYMMETRIC_DEFAULT, SPEC.DOMAIN, SPEC.ROOT],
  'AWS4-HMAC-SHA256': [SPEC.SIGV4_SECRET],
  HMAC_SHA_224: [SPEC.HMAC_224],
  HMAC_SHA_256: [SPEC.HMAC_256],
  HMAC_SHA_384: [SPEC.HMAC_384],
  HMAC_SHA_512: [SPEC.HMAC_512],
  ECC_NIST_P256: [SPEC.ECC_NIST_P256],
  ECC_NIST_P384: [SPEC.ECC_NIST_P384],
  ECC_NIST_P521: [SPEC.ECC_NIST_P521],
  ECC_SECG_P256K1: [SPEC.ECC_SECG_P256K1],
  ED25519_SHA_512: [SPEC.ECC_NIST_EDWARDS25519],
  SM2: [SPEC.SM2],
  ML_DSA_44: [SPEC.ML_DSA_44],
  ML_DSA_65: [SPEC.ML_DSA_65],
  ML_DSA_87: [SPEC.ML_DSA_87],
  ML_KEM_512: [SPEC.ML_KEM_512],
  ML_KEM_768: [SPEC.ML_KEM_768],
  ML_KEM_1024: [SPEC.ML_KEM_1024],
};
const algorithmNumber = new Map<string, number>(Object.entries(ALG));

/** Algorithms that passed all of their tests: a curve signs and agrees with one library. */
function passedAll(outcomes: readonly Outcome[]): ReadonlySet<string> {
  const failed = new Set(outcomes.filter((o) => !o.passed).map((o) => o.algorithm));
  return new Set(outcomes.map((o) => o.algorithm).filter((name) => !failed.has(name)));
}

/**
 * @param why The reason for the preferred table, shown in status.
 * @param other Undefined when the preferred one is forced.
 */
export function choosePrimitives(
  preferred: Primitives,
  other: Primitives | undefined,
  why: string,
): PrimitiveChoice {
  const names = selfTest(preferred);
  const passed = passedAll(names);
  const missing = new Set(
    names.map(({ algorithm }) => algorithm).filter((algorithm) => !passed.has(algorithm)),
  );
  // The second table is tested only where it is needed: that takes time at start.
  const passedOther: ReadonlySet<string> =
    missing.size > 0 && other !== undefined
      ? passedAll(selfTest(other, missing))
      : new Set<string>();
  const bySpec = new Map<number, Primitives>();
  const byAlg = new Map<number, Primitives>();
  const algorithms = names.map(({ operation, algorithm }): AlgorithmReport => {
    const chosen = passed.has(algorithm)
      ? preferred
      : passedOther.has(algorithm)
        ? other
        : undefined;
    if (chosen === undefined) {
      return { operation, algorithm, backend: 'none', why: 'its start-up self-test failed' };
    }
    for (const spec of SPECS_OF[algorithm] ?? []) bySpec.set(spec, chosen);
    const alg = algorithmNumber.get(algorithm);
    if (alg !== undefined) byAlg.set(alg, chosen);
    const fault = preferred.lacks.has(algorithm)
      ? `${preferred.name} does not have it`
      : `${preferred.name} failed its start-up self-test here`;
    const reason = chosen === preferred ? why : `${fault} (${why}); not constant time`;
    return { operation, algorithm, backend: chosen.name, why: reason };
  });
  // RSA keys themselves are node's in both tables.
  for (const spec of [SPEC.RSA_2048, SPEC.RSA_3072, SPEC.RSA_4096]) bySpec.set(spec, preferred);
  return {
    of: (spec, alg) => (alg !== ALG.NONE && sharesKeys(spec) ? byAlg.get(alg) : bySpec.get(spec)),
    algorithms,
  };
}

/** Specs whose algorithms are chosen apart: either library takes the other's keys. */
function sharesKeys(spec: number): boolean {
  const isRsa = spec >= SPEC.RSA_2048 && spec <= SPEC.RSA_4096;
  return isRsa || spec === SPEC.ECC_NIST_EDWARDS25519;
}
