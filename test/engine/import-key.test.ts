/**
 * IMPORT_KEY on every backend: every algorithm under every wrapping key for every kind of material,
 * what cannot be opened, what is no sound key, and that all backends make the same of it.
 */
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  verify,
} from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KeyHandle } from '../../src/core/key-handle.js';
import type { KeySpec } from '../../src/core/records.js';
import * as SM2 from '../../src/engine/backends/sm2-answers.js';
import type { EngineError } from '../../src/engine/port.js';
import { KEY_SPECS, keySpecRow } from '../../src/specs/key-specs.js';
import {
  isImportable,
  mayWrap,
  WRAPPING_ALGORITHMS,
  WRAPPING_KEY_SPECS,
} from '../../src/specs/wrapping.js';
import {
  encryptMaterial,
  foreignMaterial,
  freshPrivateKey,
  oaepEncrypt,
  wrapPadded,
} from './import-material.js';
import { backends, openEngine, seeded, type TestEngine } from './support.js';

const AAD = Buffer.from('aad');
const KEY_ID = 'key-id';
const random = seeded();
const SPECS = KEY_SPECS.filter(isImportable).map((row) => row.spec);

interface Opened {
  readonly t: TestEngine;
  readonly domain: KeyHandle;
  readonly wrapping: ReadonlyMap<string, { readonly key: KeyHandle; readonly publicKey: Buffer }>;
}
const opened = new Map<string, Opened>();

beforeAll(async () => {
  for (const backend of backends) {
    const t = await openEngine({ backend, dispatch: 'inline' });
    const made = await t.engine.generateKey(t.root, 'DOMAIN', 'domain', AAD);
    const domain = await t.engine.loadKey(t.root, 'DOMAIN', made.wrapped, AAD);
    const wrapping = new Map<string, { key: KeyHandle; publicKey: Buffer }>();
    for (const spec of WRAPPING_KEY_SPECS) {
      const { key, publicKey } = await t.make(spec);
      wrapping.set(spec, { key, publicKey: publicKey! });
    }
    opened.set(backend, { t, domain, wrapping });
  }
  // Made here once, because RSA-4096 takes its time.
  for (const spec of SPECS) foreignMaterial(spec);
}, 300_000);
afterAll(async () => {
  for (const { t } of opened.values()) await t.close();
});

const isSecret = (spec: KeySpec) => ['symmetric', 'hmac'].includes(keySpecRow(spec).family);

function submit(
  backend: string,
  spec: KeySpec,
  algorithm: string,
  encryptedMaterial: Uint8Array,
  wrappingSpec = 'RSA_2048',
) {
  const { t, domain, wrapping } = opened.get(backend)!;
  const key = wrapping.get(wrappingSpec)!.key;
  const request = { spec, algorithm, encryptedMaterial, keyId: KEY_ID, aad: AAD };
  return t.engine.importKey(domain, key, request);
}

async function status(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'OK',
    (error: unknown) => (error as EngineError).status,
  );
}

/** Imports material under RSA_2048, by an algorithm that has room for it. */
function importPlain(backend: string, spec: KeySpec, material: Uint8Array) {
  const algorithm = isSecret(spec) ? 'RSAES_OAEP_SHA_256' : 'RSA_AES_KEY_WRAP_SHA_256';
  const { publicKey } = opened.get(backend)!.wrapping.get('RSA_2048')!;
  return submit(backend, spec, algorithm, encryptMaterial(publicKey, algorithm, material));
}

const spkiOf = (pkcs8: Buffer): Buffer =>
  createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })).export({
    format: 'der',
    type: 'spki',
  });

test('the wrapping that encrypts the test material is that of RFC 5649', () => {
  // Section 6 has AES-192 only; this is its method over the vectors of OpenSSL for AES-256.
  const kek = Buffer.alloc(32, 7);
  for (const length of [1, 7, 8, 9, 16, 31, 32, 200]) {
    expect(wrapPadded(kek, Buffer.alloc(length)).length).toBe(8 + 8 * Math.ceil(length / 8));
  }
});

describe.each(backends)('%s', (backend) => {
  describe.each(WRAPPING_KEY_SPECS)('wrapping key %s', (wrappingSpec) => {
    const cases = WRAPPING_ALGORITHMS.flatMap((algorithm) =>
      SPECS.filter((spec) => mayWrap(keySpecRow(spec), algorithm, wrappingSpec)).map(
        (spec) => [algorithm, spec] as const,
      ),
    );
    test.each(cases)('%s carries %s', async (algorithm, spec) => {
      const { t, domain, wrapping } = opened.get(backend)!;
      const material = foreignMaterial(spec);
      const encrypted = encryptMaterial(wrapping.get(wrappingSpec)!.publicKey, algorithm, material);
      const made = await submit(backend, spec, algorithm, encrypted, wrappingSpec);
      const id = createHmac('sha256', material).update(KEY_ID).digest();
      expect(made.materialId).toEqual(id);
      if (isSecret(spec)) expect(made.publicKey).toBeUndefined();
      else expect(made.publicKey).toEqual(spkiOf(material));
      const key = await t.engine.loadKey(domain, spec, made.wrapped, AAD);
      t.engine.freeKey(key);
    });
  });

  test('what cannot be opened has one status', async () => {
    const { publicKey } = opened.get(backend)!.wrapping.get('RSA_2048')!;
    const other = opened.get(backend)!.wrapping.get('RSA_3072')!.publicKey;
    const secret = randomBytes(32);
    const oaep = 'RSAES_OAEP_SHA_256';
    const good = encryptMaterial(publicKey, oaep, secret);
    const flipped = (bytes: Buffer, at: number): Buffer => {
      const copy = Buffer.from(bytes);
      copy[at]! ^= 1 << random.int(8);
      return copy;
    };
    const bad = [
      flipped(good, random.int(good.length)),
      good.subarray(1),
      Buffer.concat([good, Buffer.alloc(1)]),
      encryptMaterial(publicKey, 'RSAES_OAEP_SHA_1', secret),
      encryptMaterial(other, oaep, secret),
      Buffer.alloc(256),
      Buffer.alloc(256, 255),
      Buffer.alloc(1),
    ];
    for (const bytes of bad) {
      expect(await status(submit(backend, 'SYMMETRIC_DEFAULT', oaep, bytes))).toBe(
        'INVALID_CIPHERTEXT',
      );
    }
    const hybrid = 'RSA_AES_KEY_WRAP_SHA_256';
    const pkcs8 = foreignMaterial('ECC_NIST_P256');
    const kek = randomBytes(32);
    const whole = encryptMaterial(publicKey, hybrid, pkcs8, kek);
    const wrapped = wrapPadded(kek, pkcs8);
    const badHybrid = [
      flipped(whole, random.int(256)),
      flipped(whole, 256 + random.int(whole.length - 256)),
      whole.subarray(0, 256),
      whole.subarray(0, 255),
      whole.subarray(0, whole.length - 8),
      whole.subarray(0, whole.length - 1),
      Buffer.concat([whole, Buffer.alloc(8)]),
      encryptMaterial(publicKey, 'RSA_AES_KEY_WRAP_SHA_1', pkcs8),
      // An AES key of another size, or another one than that which wraps.
      Buffer.concat([oaepEncrypt(publicKey, 'sha256', kek.subarray(0, 16)), wrapped]),
      Buffer.concat([oaepEncrypt(publicKey, 'sha256', randomBytes(32)), wrapped]),
    ];
    for (const bytes of badHybrid) {
      expect(await status(submit(backend, 'ECC_NIST_P256', hybrid, bytes))).toBe(
        'INVALID_CIPHERTEXT',
      );
    }
  });

  test.each(SPECS.filter(isSecret))('%s of another length is refused', async (spec) => {
    const size = keySpecRow(spec).sizeBytes;
    for (const length of [0, 1, size - 1, size + 1, 2 * size]) {
      expect(await status(importPlain(backend, spec, randomBytes(length)))).toBe('BAD_INPUT');
    }
    expect(await status(importPlain(backend, spec, randomBytes(size)))).toBe('OK');
  });

  test('private keys of another spec, or that are none, are refused', async () => {
    const asymmetric = SPECS.filter((spec) => !isSecret(spec));
    for (const spec of asymmetric) {
      for (const other of asymmetric) {
        const outcome = await status(importPlain(backend, spec, foreignMaterial(other)));
        expect([spec, other, outcome]).toEqual([spec, other, spec === other ? 'OK' : 'BAD_INPUT']);
      }
      const pkcs8 = foreignMaterial(spec);
      const wrong = [
        randomBytes(32),
        pkcs8.subarray(0, pkcs8.length - 1),
        Buffer.concat([pkcs8, Buffer.alloc(1)]),
        spkiOf(pkcs8),
        Buffer.from(pkcs8.toString('base64')),
      ];
      for (const bytes of wrong) {
        expect(await status(importPlain(backend, spec, bytes))).toBe('BAD_INPUT');
      }
    }
  });

  test('a private key whose numbers do not belong together is refused', async () => {
    const ec = createPrivateKey({
      key: freshPrivateKey('ECC_NIST_P256'),
      format: 'der',
      type: 'pkcs8',
    });
    const der = ec.export({ format: 'der', type: 'pkcs8' });
    const stranger = spkiOf(freshPrivateKey('ECC_NIST_P256'));
    const mixed = Buffer.from(der);
    stranger.copy(mixed, mixed.length - 64, stranger.length - 64);
    expect(await status(importPlain(backend, 'ECC_NIST_P256', mixed))).toBe('BAD_INPUT');
    const scalar = (value: Buffer): Buffer => {
      const copy = Buffer.from(der);
      value.copy(copy, copy.indexOf(Buffer.from(ec.export({ format: 'jwk' }).d!, 'base64url')));
      return copy;
    };
    expect(await status(importPlain(backend, 'ECC_NIST_P256', scalar(Buffer.alloc(32))))).toBe(
      'BAD_INPUT',
    );
    expect(await status(importPlain(backend, 'ECC_NIST_P256', scalar(Buffer.alloc(32, 255))))).toBe(
      'BAD_INPUT',
    );

    const pkcs8 = foreignMaterial('RSA_2048');
    const jwk = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }).export({
      format: 'jwk',
    });
    for (const part of ['n', 'd', 'p', 'q', 'dp', 'dq', 'qi'] as const) {
      const bytes = Buffer.from(jwk[part]!, 'base64url');
      const copy = Buffer.from(pkcs8);
      // The lowest byte, by an even amount, so that odd numbers stay odd.
      const at = copy.indexOf(bytes) + bytes.length - 1;
      copy[at]! ^= 2;
      expect([part, await status(importPlain(backend, 'RSA_2048', copy))]).toEqual([
        part,
        'BAD_INPUT',
      ]);
    }
  });

  test('an RSA key must have the exponent of AWS KMS', async () => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 });
    const pkcs8 = pair.privateKey.export({ format: 'der', type: 'pkcs8' });
    expect(await status(importPlain(backend, 'RSA_2048', pkcs8))).toBe('BAD_INPUT');
  });

  test('an RSA key works with its primes in either order, alone and among others', async () => {
    const { t, domain } = opened.get(backend)!;
    for (const pkcs8 of bothOrders(foreignMaterial('RSA_2048'))) {
      const made = await importPlain(backend, 'RSA_2048', pkcs8);
      const key = await t.engine.loadKey(domain, 'RSA_2048', made.wrapped, AAD);
      const algorithm = 'RSASSA_PKCS1_V1_5_SHA_256';
      const messages = Array.from({ length: 9 }, (_, i) => Buffer.from(`message ${i}`));
      const sign = (m: Buffer) => t.engine.sign(key, 'RSA_2048', algorithm, m, 'RAW');
      const signatures = [...(await Promise.all(messages.map(sign))), await sign(messages[0]!)];
      const publicKey = createPublicKey({ key: made.publicKey!, format: 'der', type: 'spki' });
      const good = signatures.map((one, i) => verify('sha256', messages[i % 9]!, publicKey, one));
      expect(good).toEqual(signatures.map(() => true));
      t.engine.freeKey(key);
    }
  });

  test('the key that opens must be an RSA private key, the one that wraps a domain key', async () => {
    const { t, domain, wrapping } = opened.get(backend)!;
    const { key, publicKey } = wrapping.get('RSA_2048')!;
    const algorithm = 'RSAES_OAEP_SHA_256';
    const spec = 'SYMMETRIC_DEFAULT';
    const encryptedMaterial = encryptMaterial(publicKey, algorithm, randomBytes(32));
    const request = { spec, algorithm, encryptedMaterial, keyId: KEY_ID, aad: AAD } as const;
    const publicOnly = await t.engine.loadPublicKey('RSA_2048', publicKey);
    const symmetric = (await t.make('SYMMETRIC_DEFAULT')).key;
    const p256 = (await t.make('ECC_NIST_P256')).key;
    for (const [wrap, open] of [
      [domain, publicOnly],
      [domain, symmetric],
      [domain, p256],
      [key, key],
      [symmetric, key],
      [0 as KeyHandle, key],
      [domain, 0 as KeyHandle],
    ] as const) {
      expect(await status(t.engine.importKey(wrap, open, request))).toBe('BAD_KEY');
    }
    expect(
      await status(
        t.engine.importKey(domain, key, { ...request, algorithm: 'RSASSA_PSS_SHA_256' }),
      ),
    ).toBe('UNSUPPORTED');
  });
});

test('a key is the same however it was encoded, on every backend', async () => {
  for (const spec of ['ECC_NIST_P256', 'ECC_NIST_P521', 'ECC_SECG_P256K1'] as const) {
    const key = createPrivateKey({ key: foreignMaterial(spec), format: 'der', type: 'pkcs8' });
    const forms = ecForms(key.export({ format: 'der', type: 'pkcs8' }), keySpecRow(spec).sizeBytes);
    const ids = new Set<string>();
    for (const backend of backends) {
      for (const form of forms) {
        const made = await importPlain(backend, spec, form);
        ids.add(made.materialId.toString('hex'));
        expect(made.publicKey).toEqual(spkiOf(forms[0]!));
      }
    }
    expect(ids.size).toBe(1);
  }
  const rsa = foreignMaterial('RSA_3072');
  const ids = await Promise.all(
    backends.map(async (one) =>
      (await importPlain(one, 'RSA_3072', rsa)).materialId.toString('hex'),
    ),
  );
  expect(new Set(ids).size).toBe(1);
});

/** PKCS#8 of an SM2 key without its public key: 65 bytes, of which the last 32 are the scalar. */
const SM2_BARE = Buffer.from(
  '3041020100301306072a8648ce3d020106082a811ccf5501822d042730250201010420',
  'hex',
);
/** The same with its curve named once more and its public key compressed, of GM/T 0003.5's example. */
const SM2_LONG = Buffer.concat([
  Buffer.from('3073020100301306072a8648ce3d020106082a811ccf5501822d045930570201010420', 'hex'),
  SM2.PKCS8.subarray(36, 68),
  Buffer.from('a00a06082a811ccf5501822da12403220003', 'hex'),
  SM2.PKCS8.subarray(74, 106),
]);

test('an SM2 key too; its scalar is in [1, n-2]', async () => {
  const scalar = SM2.PKCS8.subarray(36, 68);
  const ids = new Set<string>();
  for (const backend of backends) {
    for (const form of [SM2.PKCS8, Buffer.concat([SM2_BARE, scalar]), SM2_LONG]) {
      const made = await importPlain(backend, 'SM2', form);
      ids.add(made.materialId.toString('hex'));
      expect(made.publicKey!.subarray(-65)).toEqual(SM2.PKCS8.subarray(-65));
    }
    const order = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n;
    for (const [value, expected] of [
      [0n, 'BAD_INPUT'],
      [1n, 'OK'],
      [order - 2n, 'OK'],
      [order - 1n, 'BAD_INPUT'],
      [order, 'BAD_INPUT'],
    ] as const) {
      const bytes = Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
      const form = Buffer.concat([SM2_BARE, bytes]);
      expect(await status(importPlain(backend, 'SM2', form)), `${backend} ${value}`).toBe(expected);
    }
    const stranger = Buffer.from(SM2_LONG);
    stranger[stranger.length - 33]! ^= 1;
    const parameters = Buffer.from(SM2_LONG);
    parameters[parameters.indexOf(Buffer.from('a00a', 'hex')) + 5]! ^= 1;
    for (const form of [stranger, parameters, foreignMaterial('ECC_NIST_P256'), scalar]) {
      expect(await status(importPlain(backend, 'SM2', form))).toBe('BAD_INPUT');
    }
    expect(await status(importPlain(backend, 'ECC_NIST_P256', SM2.PKCS8))).toBe('BAD_INPUT');
  }
  expect(ids.size).toBe(1);
});

test('an SM2 key opens SM2PKE alone, and an RSA key all else', async () => {
  const material = foreignMaterial('SM2');
  for (const backend of backends) {
    const { t, domain, wrapping } = opened.get(backend)!;
    const sm2 = wrapping.get('SM2')!;
    const encryptedMaterial = encryptMaterial(sm2.publicKey, 'SM2PKE', material);
    const request = { spec: 'SM2', encryptedMaterial, keyId: KEY_ID, aad: AAD } as const;
    const publicOnly = await t.engine.loadPublicKey('SM2', sm2.publicKey);
    const rsa = wrapping.get('RSA_2048')!.key;
    for (const [key, algorithm, expected] of [
      [sm2.key, 'SM2PKE', 'OK'],
      [sm2.key, 'RSAES_OAEP_SHA_256', 'UNSUPPORTED'],
      [rsa, 'SM2PKE', 'UNSUPPORTED'],
      [publicOnly, 'SM2PKE', 'BAD_KEY'],
    ] as const) {
      const call = t.engine.importKey(domain, key, { ...request, algorithm });
      expect(await status(call), `${backend} ${algorithm}`).toBe(expected);
    }
  }
});

/** One RSA private key with p and q as they are, and changed for each other. */
function bothOrders(pkcs8: Buffer): Buffer[] {
  const jwk = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }).export({
    format: 'jwk',
  });
  const number = (text: string | undefined) =>
    BigInt(`0x${Buffer.from(text!, 'base64url').toString('hex')}`);
  const [p, q] = [number(jwk.p), number(jwk.q)];
  // The inverse of p modulo q, by Fermat.
  let [inverse, base, exponent] = [1n, p % q, q - 2n];
  for (; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) inverse = (inverse * base) % q;
    base = (base * base) % q;
  }
  const hex = inverse.toString(16);
  const qi = Buffer.from(hex.padStart(hex.length + (hex.length & 1), '0'), 'hex');
  const swapped = { ...jwk, p: jwk.q!, q: jwk.p!, dp: jwk.dq!, dq: jwk.dp! };
  const other = createPrivateKey({
    key: { ...swapped, qi: qi.toString('base64url') },
    format: 'jwk',
  });
  return [pkcs8, other.export({ format: 'der', type: 'pkcs8' })];
}

/** One EC private key with and without its public key, which is optional (RFC 5915). */
function ecForms(pkcs8: Buffer, size: number): Buffer[] {
  const scalarAt = pkcs8.indexOf(Buffer.from([0x02, 0x01, 0x01, 0x04, size])) + 5;
  const scalar = pkcs8.subarray(scalarAt, scalarAt + size);
  const value = (tag: number, ...parts: Buffer[]): Buffer => {
    const content = Buffer.concat(parts);
    const n = content.length;
    return Buffer.concat([Buffer.from(n < 128 ? [tag, n] : [tag, 0x81, n]), content]);
  };
  const start = pkcs8[1]! < 0x80 ? 2 : 3;
  const versionAndAlgorithm = pkcs8.subarray(start, start + 3 + 2 + pkcs8[start + 4]!);
  const bare = value(0x30, Buffer.from([2, 1, 1]), value(4, scalar));
  return [pkcs8, value(0x30, versionAndAlgorithm, value(4, bare))];
}
