/** ML-KEM of Wycheproof on every backend: keys from seeds, decapsulation and implicit rejection. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KeySpec } from '../../src/core/records.js';
import { load, outcome, pkcs8Of, spkiOf } from './seeded-keys.js';
import { backends, openEngine, type TestEngine } from './support.js';

interface Vector {
  readonly spec: KeySpec;
  readonly id: number;
  readonly comment: string;
  readonly seed: string;
  readonly ek: string;
  readonly c: string;
  readonly K: string;
}

const file = new URL('../vectors/wycheproof-ml-kem.json', import.meta.url);
const { tests } = JSON.parse(readFileSync(file, 'utf8')) as { tests: readonly Vector[] };
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

describe.each(backends)('%s', (backend) => {
  let t: TestEngine;
  beforeAll(async () => {
    t = await openEngine({ backend, dispatch: 'inline' });
  });
  afterAll(() => t.close());

  test.each(tests)('$spec $id: $comment', async ({ spec, seed, ek, c, K }) => {
    const key = await load(t, spec, pkcs8Of(spec, hex(seed)));
    const secret = await t.engine.decapsulate(key, spec, 'ML_KEM', hex(c));
    expect(secret.toString('hex')).toBe(K);
    // To the vector's public key, so that the seed is known to give that one.
    const shown = await t.engine.loadPublicKey(spec, spkiOf(spec, hex(ek)));
    const made = await t.engine.encapsulate(shown, spec, 'ML_KEM');
    const opened = await t.engine.decapsulate(key, spec, 'ML_KEM', made.ciphertext);
    expect(opened).toEqual(made.sharedSecret);
    expect(opened).toHaveLength(32);
  });

  test('what a key of ML-KEM does not do', async () => {
    const spec = 'ML_KEM_512';
    const key = await load(t, spec, pkcs8Of(spec, Buffer.alloc(64, 3)));
    const { ek, c } = tests.find((v) => v.spec === spec)!;
    const shown = await t.engine.loadPublicKey(spec, spkiOf(spec, hex(ek)));
    const decapsulates = t.engine.decapsulate(shown, spec, 'ML_KEM', hex(c));
    expect(await outcome(decapsulates)).toBe('BAD_KEY');
    const signs = t.engine.sign(key, spec, 'ML_DSA_SHAKE_256', Buffer.alloc(1), 'RAW');
    expect(await outcome(signs)).toMatch(/BAD_KEY|UNSUPPORTED|OUT_TOO_SMALL/);
    const short = t.engine.decapsulate(key, spec, 'ML_KEM', hex(c).subarray(1));
    expect(await outcome(short)).toBe('INVALID_CIPHERTEXT');
    const unknown = t.engine.encapsulate(key, spec, 'ML_DSA_SHAKE_256');
    expect(await outcome(unknown)).toBe('UNSUPPORTED');
  });
});
