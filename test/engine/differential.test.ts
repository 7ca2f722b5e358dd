/**
 * The addon against node:crypto and noble on many random jobs, in frames of 1 to 64, half of what is
 * checked spoiled: signatures and ciphertexts of one side are judged by the other, and verdicts are
 * compared job by job. The crate's own differential test compares far more, with AWS-LC.
 *
 * JOBS=n sets the jobs of each family against node:crypto (20,000), a twentieth of it against noble,
 * which takes milliseconds for each. SEED=n repeats a run.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KeyHandle } from '../../src/core/key-handle.js';
import type { KeySpec, MessageType } from '../../src/core/records.js';
import type { EngineError } from '../../src/engine/port.js';
import { keySpecRow } from '../../src/specs/key-specs.js';
import { nativeMissing, openEngine, seeded, type TestEngine } from './support.js';

const JOBS = Number(process.env.JOBS ?? 20_000);
const LIMIT_MS = 60_000 + JOBS * 30;
const AAD = Buffer.from('test');
const random = seeded();
const sides = ['native', 'node', 'noble'] as const;
type Side = (typeof sides)[number];

const engines = new Map<Side, TestEngine>();
const roots = new Map<Side, KeyHandle>();

beforeAll(async () => {
  if (nativeMissing !== undefined) return;
  const directory = mkdtempSync(join(tmpdir(), 'keystrel-differential-'));
  const path = join(directory, 'root.key');
  for (const side of sides) {
    const opened = await openEngine({ backend: side, dispatch: 'inline' });
    engines.set(side, opened);
    const { vault } = opened.engine;
    roots.set(side, roots.size === 0 ? vault.createFile(path) : vault.openFile(path));
  }
  rmSync(directory, { recursive: true });
});
afterAll(async () => {
  for (const opened of engines.values()) await opened.close();
});

const engineOf = (side: Side) => engines.get(side)!.engine;

/** One key in every engine. */
interface Everywhere {
  readonly spec: KeySpec;
  readonly handles: ReadonlyMap<Side, KeyHandle>;
  readonly publicKey: Buffer;
}

async function makeKeys(spec: KeySpec, count: number): Promise<Everywhere[]> {
  const keys: Everywhere[] = [];
  for (let i = 0; i < count; i += 1) {
    const made = await engineOf('native').generateKey(roots.get('native')!, spec, 'id', AAD);
    const handles = new Map<Side, KeyHandle>();
    for (const side of sides) {
      const key = await engineOf(side).loadKey(roots.get(side)!, spec, made.wrapped, AAD);
      handles.set(side, key);
    }
    keys.push({ spec, handles, publicKey: made.publicKey ?? Buffer.alloc(0) });
  }
  return keys;
}

/** The outcome of each job: what it gave, in hexadecimal, or its status. */
async function outcomes(work: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(work);
  return settled.map((o) => {
    if (o.status === 'rejected') return (o.reason as EngineError).status;
    return Buffer.isBuffer(o.value) ? o.value.toString('hex') : 'OK';
  });
}

const pick = <T>(from: readonly T[]): T => from[random.int(from.length)]!;
const batchSize = (): number => 1 + random.int(random.int(2) === 0 ? 9 : 64);

/** Half of them as they are. */
function spoiled(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  switch (random.int(8)) {
    case 0:
    case 1:
      copy[random.int(copy.length)]! ^= 1 << random.int(8);
      return copy;
    case 2:
      return copy.subarray(0, random.int(copy.length));
    case 3:
      return copy.fill(255, random.int(copy.length));
    default:
      return copy;
  }
}

/** Runs batches until so many jobs are compared; `batch` gives pairs of outcomes. */
async function compare(
  title: string,
  jobs: number,
  batch: (size: number) => Promise<readonly [string[], string[]]>,
): Promise<void> {
  let done = 0;
  while (done < jobs) {
    const size = Math.min(batchSize(), jobs - done);
    const [got, want] = await batch(size);
    expect(got).toHaveLength(size);
    expect(got).toEqual(want);
    done += size;
  }
  console.log(`${title}: ${done} jobs agree, seed ${random.seed}`);
}

const many = <T>(size: number, make: () => T): T[] => Array.from({ length: size }, make);
const shareOf = (other: Side, part: number): number =>
  Math.max(1, Math.round((JOBS * part) / (other === 'noble' ? 20 : 1)));

/** Specs of a family with their parts of its jobs. */
const SIGNING: readonly (readonly [string, KeySpec, number])[] = [
  ['RSA', 'RSA_2048', 0.8],
  ['RSA', 'RSA_3072', 0.12],
  ['RSA', 'RSA_4096', 0.08],
  ['ECDSA', 'ECC_NIST_P256', 0.5],
  ['ECDSA', 'ECC_NIST_P384', 0.18],
  ['ECDSA', 'ECC_NIST_P521', 0.08],
  ['ECDSA', 'ECC_SECG_P256K1', 0.24],
  ['Ed25519', 'ECC_NIST_EDWARDS25519', 1],
];

const typeOf = (algorithm: string): MessageType =>
  algorithm === 'ED25519_PH_SHA_512' ? 'DIGEST' : 'RAW';

/** Ed25519ph seldom: OpenSSL 3.0 lacks it, so that the node backend leaves it to noble. */
function algorithmOf(spec: KeySpec): string {
  const [first, ...others] = keySpecRow(spec).signingAlgorithms;
  if (spec === 'ECC_NIST_EDWARDS25519' && random.int(32) > 0) return first!;
  return pick([first!, ...others]);
}

interface Signed {
  readonly key: Everywhere;
  readonly algorithm: string;
  readonly message: Buffer;
  readonly signature: Buffer;
}

const sign = (side: Side, key: Everywhere, algorithm: string, message: Buffer) =>
  engineOf(side).sign(key.handles.get(side)!, key.spec, algorithm, message, typeOf(algorithm));

const verify = (side: Side, signed: Signed, signature: Buffer) => {
  const { key, algorithm, message } = signed;
  const handle = key.handles.get(side)!;
  const type = typeOf(algorithm);
  return engineOf(side).verify(handle, key.spec, algorithm, message, type, signature);
};

async function signatures(side: Side, keys: readonly Everywhere[], size: number) {
  const inputs = many(size, () => {
    const key = pick(keys);
    const algorithm = algorithmOf(key.spec);
    const bytes = typeOf(algorithm) === 'DIGEST' ? 64 : random.int(200);
    return { key, algorithm, message: random.bytes(bytes) };
  });
  const made = await Promise.all(inputs.map((i) => sign(side, i.key, i.algorithm, i.message)));
  return inputs.map((input, i): Signed => ({ ...input, signature: made[i]! }));
}

describe.skipIf(nativeMissing !== undefined).each(['node', 'noble'] as const)(
  'the addon against %s',
  (other) => {
    // RSA by noble's side is big integers, seconds for a job: left to test/engine/agreement.test.ts.
    const signing = SIGNING.filter(([family]) => other === 'node' || family !== 'RSA');

    test.each(signing)(
      '%s signatures, %s',
      async (_family, spec, part) => {
        const keys = await makeKeys(spec, spec.startsWith('RSA') ? 2 : 8);
        await compare(
          `signed natively, checked by ${other}: ${spec}`,
          shareOf(other, part),
          async (size) => {
            const signed = await signatures('native', keys, size);
            const checks = signed.map((s) => verify(other, s, s.signature));
            return [await outcomes(checks), signed.map(() => 'OK')];
          },
        );
        const pool = await signatures(other, keys, 64);
        await compare(`verdicts as ${other}'s: ${spec}`, shareOf(other, part), async (size) => {
          const given = many(size, () => {
            const signed = pick(pool);
            return [signed, spoiled(signed.signature)] as const;
          });
          const judge = (side: Side) => outcomes(given.map(([s, bytes]) => verify(side, s, bytes)));
          return [await judge('native'), await judge(other)];
        });
      },
      LIMIT_MS,
    );

    test.each([
      ['ECC_NIST_P256', 0.8],
      ['ECC_NIST_P384', 0.14],
      ['ECC_NIST_P521', 0.06],
    ] as const)(
      'ECDH, %s',
      async (spec, part) => {
        const keys = await makeKeys(spec, 12);
        await compare(`agreed as ${other}: ${spec}`, shareOf(other, part), async (size) => {
          const given = many(size, () => {
            const peer = Buffer.from(pick(keys).publicKey);
            if (random.int(16) === 0) peer[peer.length - 1 - random.int(60)]! ^= 1;
            return [pick(keys), peer] as const;
          });
          const derive = (side: Side) =>
            outcomes(
              given.map(([key, peer]) =>
                engineOf(side).deriveSharedSecret(key.handles.get(side)!, spec, peer),
              ),
            );
          return [await derive('native'), await derive(other)];
        });
      },
      LIMIT_MS,
    );

    test(
      'AES-256-GCM under derived keys',
      async () => {
        const keys = await makeKeys('SYMMETRIC_DEFAULT', 4);
        for (const [maker, opener] of [
          ['native', other],
          [other, 'native'],
        ] as const) {
          await compare(
            `sealed by ${maker}, opened by ${opener}`,
            shareOf(other, 0.5),
            async (size) => {
              const given = many(size, () => ({
                key: pick(keys),
                text: random.bytes(random.int(random.int(8) === 0 ? 1500 : 300)),
                context: random.bytes(random.int(120)),
                header: random.bytes(random.int(60)),
              }));
              const blobs = await Promise.all(
                given.map((g) =>
                  engineOf(maker).encrypt(g.key.handles.get(maker)!, g.text, g.context, g.header),
                ),
              );
              const open = (g: (typeof given)[number], i: number) =>
                engineOf(opener).decrypt(
                  g.key.handles.get(opener)!,
                  blobs[i]!,
                  g.context,
                  g.header,
                );
              const bad = given.map(() => random.int(4) === 0);
              for (const [i, blob] of blobs.entries()) {
                const at = given[i]!.header.length + random.int(44 + given[i]!.text.length);
                if (bad[i]) blob[at]! ^= 1 << random.int(8);
              }
              const want = given.map((g, i) =>
                bad[i] ? 'INVALID_CIPHERTEXT' : g.text.toString('hex'),
              );
              return [await outcomes(given.map(open)), want];
            },
          );
        }
      },
      LIMIT_MS,
    );

    test.each(['HMAC_224', 'HMAC_256', 'HMAC_384', 'HMAC_512'] as const)(
      '%s',
      async (spec) => {
        const keys = await makeKeys(spec, 4);
        const part = spec === 'HMAC_256' ? 0.7 : 0.1;
        await compare(`${spec} as ${other}`, shareOf(other, part), async (size) => {
          const given = many(size, () => [pick(keys), random.bytes(random.int(300))] as const);
          const make = (side: Side) =>
            outcomes(given.map(([k, m]) => engineOf(side).mac(k.handles.get(side)!, spec, m)));
          return [await make('native'), await make(other)];
        });
      },
      LIMIT_MS,
    );

    // noble's decryption by big integers is left out of the many, too.
    test.each(other === 'node' ? (['RSA_2048'] as const) : [])(
      'RSAES-OAEP, %s',
      async (spec) => {
        const keys = await makeKeys(spec, 2);
        for (const [maker, opener] of [
          ['native', other],
          [other, 'native'],
        ] as const) {
          await compare(
            `encrypted by ${maker}, opened by ${opener}`,
            shareOf(other, 0.1),
            async (size) => {
              const given = many(size, () => ({
                key: pick(keys),
                algorithm: pick(['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256']),
                text: random.bytes(random.int(191)),
              }));
              const sealed = await Promise.all(
                given.map((g) =>
                  engineOf(maker).rsaEncrypt(g.key.handles.get(maker)!, spec, g.algorithm, g.text),
                ),
              );
              const open = (g: (typeof given)[number], i: number) =>
                engineOf(opener).rsaDecrypt(
                  g.key.handles.get(opener)!,
                  spec,
                  g.algorithm,
                  sealed[i]!,
                );
              return [await outcomes(given.map(open)), given.map((g) => g.text.toString('hex'))];
            },
          );
        }
      },
      LIMIT_MS,
    );
  },
);
