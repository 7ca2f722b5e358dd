/**
 * NIST's example values for ECDSA, RSA PKCS #1 v1.5 (FIPS 186) and ECDH (SP 800-56A), the OAEP values of
 * PKCS #1, and RSA signatures of Wycheproof (PSS, deterministic ones), on every backend; each in a frame
 * of sixteen, so that the native backend takes its multi-buffer kernels where it has some.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KeySpec } from '../../src/core/records.js';
import { load, outcome } from './seeded-keys.js';
import { backends, openEngine, type TestEngine } from './support.js';

interface Signature {
  readonly spec: KeySpec;
  readonly algorithm?: string;
  readonly msg: string;
  readonly sig: string;
}
interface Vectors {
  readonly ecdsa: readonly (Signature & { spki: string })[];
  readonly rsaVerify: readonly (Signature & { spki: string })[];
  readonly rsaSign: readonly (Signature & { key: string })[];
  readonly ecdh: readonly {
    readonly spec: KeySpec;
    readonly key: string;
    readonly peer: string;
    /** Null where the peer's key is no key. */
    readonly secret: string | null;
  }[];
  readonly oaep: {
    readonly spec: KeySpec;
    readonly algorithm: string;
    readonly key: string;
    readonly tests: readonly { msg: string; ciphertext: string }[];
  };
}

const file = new URL('../vectors/nist-pkcs1.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const ECDSA: Partial<Record<KeySpec, string>> = {
  ECC_NIST_P256: 'ECDSA_SHA_256',
  ECC_NIST_P384: 'ECDSA_SHA_384',
  ECC_NIST_P521: 'ECDSA_SHA_512',
};
const COPIES = 16;

describe.each(backends)('%s', (backend) => {
  let t: TestEngine;
  // Of the others each job runs alone anyway.
  const copies = backend === 'native' ? COPIES : 1;
  const times = <T>(make: () => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: copies }, make));
  const all = <T>(value: T): T[] => Array.from({ length: copies }, () => value);

  beforeAll(async () => {
    t = await openEngine({ backend, dispatch: 'inline' });
  });
  afterAll(() => t.close());

  test('signatures of FIPS 186 verify, and not those of another message', async () => {
    for (const { spec, algorithm = ECDSA[spec]!, spki, msg, sig } of [
      ...vectors.ecdsa,
      ...vectors.rsaVerify,
    ]) {
      const key = await t.engine.loadPublicKey(spec, hex(spki));
      const verify = (message: Buffer) =>
        times(() => outcome(t.engine.verify(key, spec, algorithm, message, 'RAW', hex(sig))));
      expect(await verify(hex(msg))).toEqual(all('OK'));
      expect(await verify(hex(`${msg}00`))).toEqual(all('INVALID_SIGNATURE'));
      t.engine.freeKey(key);
    }
    expect([vectors.ecdsa.length, vectors.rsaVerify.length]).toEqual([45, 60]);
  });

  test('RSA PKCS #1 v1.5 signatures are made', async () => {
    for (const { spec, algorithm, key, msg, sig } of vectors.rsaSign) {
      const handle = await load(t, spec, hex(key));
      const made = await times(() => t.engine.sign(handle, spec, algorithm!, hex(msg), 'RAW'));
      expect(made.map((signature) => signature.toString('hex'))).toEqual(all(sig));
      t.engine.freeKey(handle);
    }
    expect(vectors.rsaSign.length).toBe(27);
  });

  test('secrets of SP 800-56A are agreed on, and keys that are none refused', async () => {
    for (const { spec, key, peer, secret } of vectors.ecdh) {
      const handle = await load(t, spec, hex(key));
      const derive = () => t.engine.deriveSharedSecret(handle, spec, hex(peer));
      if (secret === null) {
        expect(await times(() => outcome(derive()))).toEqual(all('BAD_PEER_KEY'));
      } else {
        const agreed = await times(derive);
        expect(agreed.map((bytes) => bytes.toString('hex'))).toEqual(all(secret));
      }
      t.engine.freeKey(handle);
    }
  });

  test('OAEP values of PKCS #1 are decrypted', async () => {
    const { spec, algorithm, key, tests } = vectors.oaep;
    const handle = await load(t, spec, hex(key));
    for (const { msg, ciphertext } of tests) {
      const opened = await times(() =>
        t.engine.rsaDecrypt(handle, spec, algorithm, hex(ciphertext)),
      );
      expect(opened.map((bytes) => bytes.toString('hex'))).toEqual(all(msg));
    }
    expect(tests.length).toBe(6);
  });
});
