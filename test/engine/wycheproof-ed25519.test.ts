/** Ed25519 signatures of Wycheproof, good ones and hostile ones, on every backend. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { outcome, spkiOf } from './seeded-keys.js';
import { backends, openEngine } from './support.js';

interface Group {
  readonly publicKey: string;
  readonly tests: readonly { id: number; msg: string; sig: string; valid: boolean }[];
}

const SPEC = 'ECC_NIST_EDWARDS25519';
const file = new URL('../vectors/wycheproof-ed25519.json', import.meta.url);
const { groups } = JSON.parse(readFileSync(file, 'utf8')) as { groups: readonly Group[] };
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

test.each(backends)('%s', async (backend) => {
  const t = await openEngine({ backend, dispatch: 'inline' });
  let checked = 0;
  for (const { publicKey, tests } of groups) {
    const key = await t.engine.loadPublicKey(SPEC, spkiOf(SPEC, hex(publicKey)));
    for (const { id, msg, sig, valid } of tests) {
      const verified = t.engine.verify(key, SPEC, 'ED25519_SHA_512', hex(msg), 'RAW', hex(sig));
      expect([id, await outcome(verified)]).toEqual([id, valid ? 'OK' : 'INVALID_SIGNATURE']);
      checked += 1;
    }
  }
  expect(checked).toBe(151);
  await t.close();
});
