/** Which backend and which kernels run, and why; self-tests broken on purpose are caught. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { loadNativeAddon } from '../../src/engine/backends/native-addon.js';
import { noblePrimitives } from '../../src/engine/backends/noble-primitives.js';
import { createNodeBackend } from '../../src/engine/backends/node.js';
import { JobStatus } from '../../src/engine/backends/node-keys.js';
import { nodePrimitives } from '../../src/engine/backends/node-primitives.js';
import { choosePrimitives } from '../../src/engine/backends/primitive-choice.js';
import type { Primitives } from '../../src/engine/backends/primitives.js';
import { selectBackend } from '../../src/engine/backends/select.js';
import { selfTest } from '../../src/engine/backends/self-test.js';
import { ALG, SPEC, STATUS } from '../../src/engine/frame-layout.js';
import { layoutFingerprint } from '../../src/engine/layout-fingerprint.js';
import { nativeMissing } from './support.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Flips one bit of what a function gives. */
function flip(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length >> 1]! ^= 1;
  return copy;
}

function failures(primitives: Primitives): string[] {
  return selfTest(primitives)
    .filter((o) => !o.passed)
    .map((o) => `${o.operation} ${o.algorithm}`);
}

describe.each([
  [nodePrimitives, 'node', 11, 0, 0],
  [noblePrimitives, 'noble', 15, 3, 1],
] as const)('self-test of %#', (real, _name, signing, kems, sm2) => {
  test('passes whole', () => {
    expect(failures(real).map((name) => name.split(' ')[1])).toEqual([...real.lacks]);
    expect(selfTest(real)).toHaveLength(32);
    expect(selfTest(real, new Set(['ML_DSA_44', 'HMAC_SHA_256']))).toHaveLength(2);
  });

  const broken: readonly (readonly [string, Partial<Primitives>, number])[] = [
    ['MACs', { mac: (...a) => flip(real.mac(...a)) }, 4],
    ['plaintexts', { open: (...a) => flip(real.open(...a)) }, 1],
    ['ciphertexts', { seal: (...a) => flip(real.seal(...a)) }, 1],
    ['signatures', { signMessage: (...a) => flip(real.signMessage(...a)) }, signing],
    ['verification that accepts all', { verifyMessage: () => undefined }, signing],
    ['RSA and SM2 plaintexts', { rsaDecrypt: (...a) => flip(real.rsaDecrypt(...a)) }, 2 + sm2],
    ['shared secrets', { ecdh: (...a) => flip(real.ecdh(...a)) }, 3 + sm2],
    ['representatives', { signMu: (...a) => flip(real.signMu(...a)) }, kems],
    ['encapsulated secrets', { decapsulate: (...a) => flip(real.decapsulate(...a)) }, kems],
    ['SigV4 that accepts all', { checkSigV4: (_s, _c, b) => b }, 1],
  ];
  test.each(broken)('%s broken: caught', (_name, change, count) => {
    expect(failures({ ...real, ...change })).toHaveLength(count + real.lacks.size);
  });
});

describe('@noble stands in for what node lacks', () => {
  const refuse = (): never => {
    throw new JobStatus(STATUS.UNSUPPORTED);
  };
  /** As an OpenSSL without secp256k1 and with SHA-1 refused in OAEP. */
  const poor: Primitives = {
    ...nodePrimitives,
    importKey: (spec, bytes) =>
      spec === SPEC.ECC_SECG_P256K1 ? refuse() : nodePrimitives.importKey(spec, bytes),
    rsaEncrypt: (key, alg, plaintext) =>
      alg === ALG.RSAES_OAEP_SHA_1 ? refuse() : nodePrimitives.rsaEncrypt(key, alg, plaintext),
  };

  test('per algorithm, and the report says why', () => {
    const choice = choosePrimitives(poor, noblePrimitives, 'for a test');
    const other = choice.algorithms.filter((row) => row.backend !== 'node');
    const lacking = other.filter((row) => poor.lacks.has(row.algorithm));
    const failing = other.filter((row) => !poor.lacks.has(row.algorithm));
    expect(failing.map((row) => row.algorithm)).toEqual(['RSAES_OAEP_SHA_1', 'ECC_SECG_P256K1']);
    expect(lacking.map((row) => row.algorithm)).toEqual([...poor.lacks]);
    for (const row of other) expect(row.backend).toBe('noble');
    for (const row of failing) expect(row.why).toMatch(/node failed its start-up self-test/);
    for (const row of lacking) expect(row.why).toMatch(/node does not have it/);
    expect(choice.of(SPEC.ECC_NIST_EDWARDS25519, ALG.ED25519_SHA_512)).toBe(poor);
    expect(choice.of(SPEC.ECC_NIST_EDWARDS25519, ALG.ED25519_PH_SHA_512)).toBe(noblePrimitives);
    expect(choice.of(SPEC.ML_KEM_768, ALG.ML_KEM)).toBe(noblePrimitives);
    expect(choice.of(SPEC.ECC_SECG_P256K1, ALG.ECDSA_SHA_256)).toBe(noblePrimitives);
    expect(choice.of(SPEC.RSA_2048, ALG.RSAES_OAEP_SHA_1)).toBe(noblePrimitives);
    expect(choice.of(SPEC.RSA_2048, ALG.RSAES_OAEP_SHA_256)).toBe(poor);
    expect(choice.of(SPEC.ECC_NIST_P256, ALG.ECDSA_SHA_256)).toBe(poor);
  });

  test('what fails in both is not offered', () => {
    const both = { mac: () => Buffer.alloc(32) };
    const options = { prefer: 'node', why: 'test' } as const;
    const backend = createNodeBackend({
      ...options,
      node: { ...nodePrimitives, ...both },
      noble: { ...noblePrimitives, ...both },
    });
    const off = backend.selfTest().filter((row) => row.backend === 'none');
    expect(off.map((row) => row.algorithm)).toEqual([
      'HMAC_SHA_224',
      'HMAC_SHA_256',
      'HMAC_SHA_384',
      'HMAC_SHA_512',
    ]);
  });
});

describe('KEYSTREL_BACKEND', () => {
  const selected = (forced: string): string => {
    const before = process.env.KEYSTREL_BACKEND;
    process.env.KEYSTREL_BACKEND = forced;
    try {
      return selectBackend('auto').backend.name;
    } finally {
      if (before === undefined) delete process.env.KEYSTREL_BACKEND;
      else process.env.KEYSTREL_BACKEND = before;
    }
  };

  test('forces node and noble, and refuses what it does not know', () => {
    expect(selected('node')).toBe('node');
    expect(selected('noble')).toBe('noble');
    expect(() => selected('openssl')).toThrow('KEYSTREL_BACKEND=openssl');
  });
});

describe('native', () => {
  test('frame layouts of both sides are equal', (context) => {
    if (nativeMissing !== undefined) return context.skip(nativeMissing);
    expect(loadNativeAddon('native').addon!.layoutFingerprint()).toBe(layoutFingerprint());
  });

  /** What a process of its own says, because the class is chosen once per process. */
  const info = (cpu: string) => {
    const script = `
      import { loadNativeAddon } from './dist/engine/backends/native-addon.js';
      const { addon } = loadNativeAddon('native');
      const failed = addon.selfTest().filter((row) => !row.passed);
      console.log(JSON.stringify({ ...addon.info(), failed }));`;
    const output = execFileSync('node', ['--input-type=module', '-e', script], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, KEYSTREL_CPU: cpu },
    });
    return JSON.parse(output) as {
      cpuClass: string;
      cpuReason?: string;
      shortMessages: string;
      failed: unknown[];
    };
  };

  test('KEYSTREL_CPU chooses the kernels, and each passes its self-test', (context) => {
    if (nativeMissing !== undefined) return context.skip(nativeMissing);
    const generic = info('generic');
    expect(generic).toMatchObject({ cpuClass: 'generic', shortMessages: 'AWS-LC', failed: [] });
    const best = info('auto');
    expect(best.failed).toEqual([]);
    for (const wanted of ['avx2', 'ifma']) {
      const forced = info(wanted);
      expect(forced.failed).toEqual([]);
      const possible = best.cpuClass === wanted || (wanted === 'avx2' && best.cpuClass === 'ifma');
      if (possible) expect(forced.cpuClass).toBe(wanted);
      else expect(forced.cpuReason).toMatch(/not possible/);
      console.log(`KEYSTREL_CPU=${wanted}: ${forced.cpuClass}, ${forced.shortMessages}`);
      if (possible && wanted === 'avx2') expect(forced.shortMessages).not.toMatch(/512/);
    }
  });
});
