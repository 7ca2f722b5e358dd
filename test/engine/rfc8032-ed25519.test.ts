/** Ed25519 by RFC 8032, section 7.1, and what Ed25519ph takes; every backend, through the engine. */
import { ed25519ph } from '@noble/curves/ed25519.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { load, outcome, pkcs8Of, spkiOf } from './seeded-keys.js';
import { backends, openEngine, type TestEngine } from './support.js';

const SPEC = 'ECC_NIST_EDWARDS25519';
const [PURE, PH] = ['ED25519_SHA_512', 'ED25519_PH_SHA_512'];
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

const VECTORS = [
  {
    name: 'TEST 1',
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    name: 'TEST 2',
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    name: 'TEST 3',
    seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    publicKey: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
];

describe.each(backends)('%s', (backend) => {
  let t: TestEngine;
  beforeAll(async () => {
    t = await openEngine({ backend, dispatch: 'inline' });
  });
  afterAll(() => t.close());

  test.each(VECTORS)('$name', async ({ seed, publicKey, message, signature }) => {
    const key = await load(t, SPEC, pkcs8Of(SPEC, hex(seed)));
    const made = await t.engine.sign(key, SPEC, PURE, hex(message), 'RAW');
    expect(made.toString('hex')).toBe(signature);
    const shown = await t.engine.loadPublicKey(SPEC, spkiOf(SPEC, hex(publicKey)));
    await t.engine.verify(shown, SPEC, PURE, hex(message), 'RAW', made);
  });

  test('Ed25519ph signs 64 bytes, which it hashes once more', async () => {
    const { seed, publicKey } = VECTORS[0]!;
    const key = await load(t, SPEC, pkcs8Of(SPEC, hex(seed)));
    const digest = Buffer.alloc(64, 0x5a);
    const made = await t.engine.sign(key, SPEC, PH, digest, 'DIGEST');
    expect(made.equals(ed25519ph.sign(digest, hex(seed)))).toBe(true);
    const shown = await t.engine.loadPublicKey(SPEC, spkiOf(SPEC, hex(publicKey)));
    await t.engine.verify(shown, SPEC, PH, digest, 'DIGEST', made);
    const asPure = t.engine.verify(shown, SPEC, PURE, digest, 'RAW', made);
    expect(await outcome(asPure)).toBe('INVALID_SIGNATURE');
  });

  test('each takes one form of a message, and a public key signs nothing', async () => {
    const { seed, publicKey } = VECTORS[0]!;
    const key = await load(t, SPEC, pkcs8Of(SPEC, hex(seed)));
    const shown = await t.engine.loadPublicKey(SPEC, spkiOf(SPEC, hex(publicKey)));
    const bytes = Buffer.alloc(64);
    const signs = (alg: string, message: Buffer, type: 'RAW' | 'DIGEST' | 'EXTERNAL_MU') =>
      outcome(t.engine.sign(key, SPEC, alg, message, type));
    expect(await signs(PURE, bytes, 'DIGEST')).toBe('BAD_INPUT');
    expect(await signs(PURE, bytes, 'EXTERNAL_MU')).toBe('BAD_INPUT');
    expect(await signs(PH, bytes, 'RAW')).toBe('BAD_INPUT');
    expect(await signs(PH, bytes, 'EXTERNAL_MU')).toBe('BAD_INPUT');
    expect(await signs(PH, bytes.subarray(1), 'DIGEST')).toBe('BAD_INPUT');
    expect(await signs('ECDSA_SHA_256', bytes, 'RAW')).toBe('UNSUPPORTED');
    expect(await outcome(t.engine.sign(shown, SPEC, PURE, bytes, 'RAW'))).toBe('BAD_KEY');
    expect(await outcome(t.engine.sign(shown, SPEC, PH, bytes, 'DIGEST'))).toBe('BAD_KEY');
    const empty = t.engine.verify(key, SPEC, PURE, bytes, 'RAW', Buffer.alloc(0));
    expect(await outcome(empty)).toBe('INVALID_SIGNATURE');
  });

  test('keys of another kind, and bytes after a key, do not load', async () => {
    const { seed, publicKey } = VECTORS[0]!;
    const good = pkcs8Of(SPEC, hex(seed));
    const longer = Buffer.concat([good, Buffer.alloc(1)]);
    for (const bad of [longer, good.subarray(1), Buffer.alloc(48)]) {
      expect(await outcome(load(t, SPEC, bad))).toBe('INVALID_CIPHERTEXT');
    }
    expect(await outcome(load(t, 'ECC_NIST_P256', good))).toBe('INVALID_CIPHERTEXT');
    const spki = spkiOf(SPEC, hex(publicKey));
    for (const bad of [Buffer.concat([spki, Buffer.alloc(1)]), spki.subarray(0, -1)]) {
      expect(await outcome(t.engine.loadPublicKey(SPEC, bad))).toBe('BAD_PEER_KEY');
    }
  });
});
