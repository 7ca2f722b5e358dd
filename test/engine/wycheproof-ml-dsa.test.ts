/**
 * ML-DSA of Wycheproof on every backend: keys from seeds, signatures with and without a context, NIST's
 * cases of rejection, and signatures that must be refused.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KeySpec } from '../../src/core/records.js';
import { load, outcome, pkcs8Of, spkiOf } from './seeded-keys.js';
import { backends, openEngine, type TestEngine } from './support.js';

interface Good {
  readonly spec: KeySpec;
  readonly id: number;
  readonly comment: string;
  readonly pkcs8: string;
  readonly publicKey: string;
  readonly ctx: string;
  readonly mu: string;
  readonly sig: string;
  /** Absent where the vector is about the representative alone. */
  readonly msg?: string;
}

interface Bad {
  readonly spec: KeySpec;
  readonly id: number;
  readonly comment: string;
  readonly publicKeyDer: string;
  readonly msg: string;
  readonly sig: string;
}

const file = new URL('../vectors/wycheproof-ml-dsa.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as {
  tests: readonly Good[];
  invalid: readonly Bad[];
};
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const ALGORITHM = 'ML_DSA_SHAKE_256';

describe.each(backends)('%s', (backend) => {
  let t: TestEngine;
  beforeAll(async () => {
    t = await openEngine({ backend, dispatch: 'inline' });
  });
  afterAll(() => t.close());

  test.each(vectors.tests)('$spec $id: $comment', async (v) => {
    const { spec } = v;
    const signs = await load(t, spec, hex(v.pkcs8));
    const shown = await t.engine.loadPublicKey(spec, spkiOf(spec, hex(v.publicKey)));
    const [mu, signature] = [hex(v.mu), hex(v.sig)];
    const plain = v.msg !== undefined && v.ctx === '';
    for (const key of [signs, shown]) {
      await t.engine.verify(key, spec, ALGORITHM, mu, 'EXTERNAL_MU', signature);
      if (v.msg === undefined) continue;
      const verified = t.engine.verify(key, spec, ALGORITHM, hex(v.msg), 'RAW', signature);
      expect(await outcome(verified)).toBe(plain ? 'OK' : 'INVALID_SIGNATURE');
    }
    const own = await t.engine.sign(signs, spec, ALGORITHM, mu, 'EXTERNAL_MU');
    expect(own).toHaveLength(signature.length);
    expect(own.equals(signature)).toBe(false); // Hedged: never twice the same.
    await t.engine.verify(shown, spec, ALGORITHM, mu, 'EXTERNAL_MU', own);
    if (!plain) return;
    await t.engine.verify(shown, spec, ALGORITHM, hex(v.msg), 'RAW', own);
    const ofMessage = await t.engine.sign(signs, spec, ALGORITHM, hex(v.msg), 'RAW');
    await t.engine.verify(shown, spec, ALGORITHM, mu, 'EXTERNAL_MU', ofMessage);
  });

  test.each(vectors.invalid)('$spec $id refused: $comment', async (v) => {
    const key = await t.engine.loadPublicKey(v.spec, hex(v.publicKeyDer));
    const verified = t.engine.verify(key, v.spec, ALGORITHM, hex(v.msg), 'RAW', hex(v.sig));
    expect(await outcome(verified)).toBe('INVALID_SIGNATURE');
  });

  test('forms of messages, keys of another kind, and signatures of wrong length', async () => {
    const spec = 'ML_DSA_44';
    const key = await load(t, spec, pkcs8Of(spec, Buffer.alloc(32, 7)));
    const bytes = Buffer.alloc(64);
    const signs = (message: Buffer, type: 'DIGEST' | 'EXTERNAL_MU') =>
      outcome(t.engine.sign(key, spec, ALGORITHM, message, type));
    expect(await signs(bytes, 'DIGEST')).toBe('BAD_INPUT');
    expect(await signs(bytes.subarray(1), 'EXTERNAL_MU')).toBe('BAD_INPUT');
    expect(await signs(Buffer.alloc(65), 'EXTERNAL_MU')).toBe('BAD_INPUT');
    const alien = t.engine.sign(key, spec, 'ECDSA_SHA_256', bytes, 'RAW');
    expect(await outcome(alien)).toBe('UNSUPPORTED');
    const whole = await t.engine.sign(key, spec, ALGORITHM, bytes, 'RAW');
    for (const bad of [whole.subarray(1), Buffer.concat([whole, Buffer.alloc(1)])]) {
      const verified = t.engine.verify(key, spec, ALGORITHM, bytes, 'RAW', bad);
      expect(await outcome(verified)).toBe('INVALID_SIGNATURE');
    }
    const encapsulates = t.engine.encapsulate(key, spec, 'ML_KEM');
    expect(await outcome(encapsulates)).toMatch(/BAD_KEY|UNSUPPORTED/);
    const { publicKey } = vectors.tests[0]!;
    const shown = await t.engine.loadPublicKey(spec, spkiOf(spec, hex(publicKey)));
    expect(await outcome(t.engine.sign(shown, spec, ALGORITHM, bytes, 'RAW'))).toBe('BAD_KEY');
    const expanded = Buffer.concat([pkcs8Of(spec, Buffer.alloc(32)), Buffer.alloc(1)]);
    expect(await outcome(load(t, spec, expanded))).toBe('INVALID_CIPHERTEXT');
    const other = pkcs8Of('ML_DSA_65', Buffer.alloc(32));
    expect(await outcome(load(t, spec, other))).toBe('INVALID_CIPHERTEXT');
  });
});
