import { createHmac, createPublicKey, createVerify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BlobInput } from '../../src/core/blob.js';
import type { KeySpec } from '../../src/core/records.js';
import { loadNativeAddon } from '../../src/engine/backends/native-addon.js';
import { nodePrimitives } from '../../src/engine/backends/node-primitives.js';
import { selectBackend } from '../../src/engine/backends/select.js';
import { OP, SPEC } from '../../src/engine/frame-layout.js';
import { EngineError } from '../../src/engine/port.js';
import { KEY_SPECS } from '../../src/specs/key-specs.js';
import { backends, nativeMissing, openEngine, type TestEngine } from './support.js';

const header = Buffer.from('h'.repeat(38));
const none = Buffer.alloc(0);

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EngineError);
  return (error as EngineError).status;
}

test('the rows of key specs carry the numbers of frames', () => {
  for (const row of KEY_SPECS) expect(row.frameSpec).toBe(SPEC[row.spec]);
});

describe.each(backends)('engine over %s', (backend) => {
  describe.each(['inline', 'pool', 'auto'] as const)('dispatch %s', (dispatch) => {
    let t: TestEngine;
    beforeAll(async () => {
      t = await openEngine({ backend, dispatch, threads: 2 });
    });
    afterAll(() => t.close());

    test('all algorithms passed their self-test, in the backend asked for', () => {
      const report = t.engine.status();
      expect(report.algorithms).toHaveLength(32);
      for (const row of report.algorithms) {
        const lacks = backend === 'node' && nodePrimitives.lacks.has(row.algorithm);
        expect(row.backend).toBe(lacks ? 'noble' : backend);
      }
    });

    test('what is encrypted decrypts, from bytes and from base64', async () => {
      const { key } = await t.make('SYMMETRIC_DEFAULT');
      const blob = await t.engine.encrypt(key, Buffer.from('secret'), Buffer.from('ctx'), header);
      expect(blob).toHaveLength(38 + 6 + 44);
      const text = BlobInput.parse(blob.toString('base64'))!;
      const plain = await t.engine.decrypt(key, text, Buffer.from('ctx'), header);
      expect(plain.toString()).toBe('secret');
      expect(await refusal(t.engine.decrypt(key, text, none, header))).toBe('INVALID_CIPHERTEXT');
    });

    test('a data key comes with its blob', async () => {
      const { key } = await t.make('SYMMETRIC_DEFAULT');
      const { plaintext, blob } = await t.engine.generateDataKey(key, 32, none, header);
      expect(plaintext).toHaveLength(32);
      expect(await t.engine.decrypt(key, blob, none, header)).toEqual(plaintext);
    });

    test.each(['HMAC_224', 'HMAC_256', 'HMAC_384', 'HMAC_512'] as const)('%s', async (spec) => {
      const { key } = await t.make(spec);
      const message = Buffer.from('message');
      const mac = await t.engine.mac(key, spec, message);
      expect(mac).toHaveLength(Number(spec.slice(5)) / 8);
      await t.engine.verifyMac(key, spec, message, mac);
      mac[0]! ^= 1;
      expect(await refusal(t.engine.verifyMac(key, spec, message, mac))).toBe('INVALID_MAC');
    });

    test.each([
      ['ECC_NIST_P256', 'ECDSA_SHA_256'],
      ['ECC_NIST_P384', 'ECDSA_SHA_384'],
      ['ECC_NIST_P521', 'ECDSA_SHA_512'],
      ['ECC_SECG_P256K1', 'ECDSA_SHA_256'],
      ['RSA_2048', 'RSASSA_PKCS1_V1_5_SHA_256'],
    ] as const)('%s signs, OpenSSL verifies', async (spec, algorithm) => {
      const { key, publicKey } = await t.make(spec);
      const message = Buffer.from('message');
      const signature = await t.engine.sign(key, spec, algorithm, message, 'RAW');
      const hash = `sha${algorithm.slice(-3)}`;
      const pub = createPublicKey({ key: publicKey!, format: 'der', type: 'spki' });
      expect(createVerify(hash).update(message).verify(pub, signature)).toBe(true);
      const verifier = await t.engine.loadPublicKey(spec, publicKey!);
      await t.engine.verify(verifier, spec, algorithm, message, 'RAW', signature);
      const wrong = t.engine.verify(verifier, spec, algorithm, none, 'RAW', signature);
      expect(await refusal(wrong)).toBe('INVALID_SIGNATURE');
    });

    test('one bad job of a batch leaves its neighbours alone', async () => {
      const { key } = await t.make('SYMMETRIC_DEFAULT');
      const good = await t.engine.encrypt(key, Buffer.from('x'), none, header);
      const bad = Buffer.from(good);
      bad[60]! ^= 1;
      const outcomes = await Promise.allSettled(
        [good, bad, good].map((blob) => t.engine.decrypt(key, blob, none, header)),
      );
      expect(outcomes.map((o) => o.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    });

    test('freed and foreign handles are refused', async () => {
      const { key } = await t.make('SYMMETRIC_DEFAULT');
      t.engine.freeKey(key);
      t.engine.freeKey(key);
      expect(await refusal(t.engine.encrypt(key, none, none, header))).toBe('BAD_KEY');
      const { key: mac } = await t.make('HMAC_256');
      expect(await refusal(t.engine.encrypt(mac, none, none, header))).toBe('BAD_KEY');
    });

    test('a data key pair, with and without its private key', async () => {
      const { key } = await t.make('SYMMETRIC_DEFAULT');
      const pair = await t.engine.generateKeyPair(key, 'ECC_NIST_P256', none, header, true);
      expect(await t.engine.decrypt(key, pair.blob, none, header)).toEqual(pair.privateKey);
      const hidden = await t.engine.generateKeyPair(key, 'ECC_NIST_P256', none, header, false);
      expect(hidden.privateKey).toBeUndefined();
      expect(hidden.publicKey.length).toBeGreaterThan(80);
    });
  });

  test('jobs past the bound of a lane are refused at once', async () => {
    const t = await openEngine({ backend, dispatch: 'pool', threads: 2, laneJobsMax: 8 });
    const { key } = await t.make('SYMMETRIC_DEFAULT');
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => t.engine.encrypt(key, none, none, header)),
    );
    const refused = outcomes.filter((o) => o.status === 'rejected');
    expect(refused).toHaveLength(12);
    for (const { reason } of refused) expect((reason as EngineError).status).toBe('OVERLOADED');
    await t.close();
  });

  test('a worker that dies loses no job; a second death is answered', async () => {
    process.env.KEYSTREL_FAULTS = '1';
    const t = await openEngine({ backend, dispatch: 'pool', threads: 2 });
    delete process.env.KEYSTREL_FAULTS;
    const { key } = await t.make('HMAC_256');
    const message = Buffer.from('message');
    const expected = await t.engine.mac(key, 'HMAC_256', message);
    t.engine.faults.killWorkers(1);
    expect(await t.engine.mac(key, 'HMAC_256', message)).toEqual(expected);
    t.engine.faults.killWorkers(2);
    expect(await refusal(t.engine.mac(key, 'HMAC_256', message))).toBe('WORKER_DIED');
    expect(await t.engine.mac(key, 'HMAC_256', message)).toEqual(expected);
    await t.close();
  });

  test('jobs after close are refused', async () => {
    const t = await openEngine({ backend, dispatch: 'inline' });
    await t.close();
    expect(await refusal(t.engine.random(1))).toBe('CLOSED');
  });

  test('a signature over a digest is that over its message', async () => {
    const t = await openEngine({ backend, dispatch: 'inline' });
    for (const row of KEY_SPECS.filter((r) => r.family === 'rsa' || r.family === 'ecc')) {
      if (row.spec === 'RSA_3072' || row.spec === 'RSA_4096') continue; // Only slower to make.
      const { key } = await t.make(row.spec);
      for (const algorithm of row.signingAlgorithms) {
        const hash = `sha${algorithm.slice(-3)}`;
        const { createHash } = await import('node:crypto');
        const digest = createHash(hash).update('message').digest();
        const signature = await t.engine.sign(key, row.spec, algorithm, digest, 'DIGEST');
        const message = Buffer.from('message');
        await t.engine.verify(key, row.spec, algorithm, message, 'RAW', signature);
        const other = await t.engine.sign(key, row.spec, algorithm, message, 'RAW');
        await t.engine.verify(key, row.spec, algorithm, digest, 'DIGEST', other);
        const short = t.engine.sign(key, row.spec, algorithm, digest.subarray(1), 'DIGEST');
        expect(await refusal(short)).toBe('BAD_INPUT');
      }
    }
    await t.close();
  });
});

test('wrapped keys and root key files pass between the backends', async (context) => {
  if (nativeMissing !== undefined) return context.skip(nativeMissing);
  const { mkdtempSync, rmSync } = await import('node:fs');
  const directory = mkdtempSync('/tmp/keystrel-vault-');
  const passphrase = { kind: 'env', name: 'KEYSTREL_TEST_PASSPHRASE' } as const;
  process.env.KEYSTREL_TEST_PASSPHRASE = 'correct horse battery';
  const [a, b] = [await openEngine({ backend: 'native' }), await openEngine({ backend: 'node' })];
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const name = from === a ? 'a' : 'b';
    const plain = `${directory}/${name}`;
    const sealed = `${directory}/${name}-sealed`;
    const roots = [
      [from.engine.vault.createFile(plain), to.engine.vault.openFile(plain)],
      [
        from.engine.vault.createPassphraseFile(sealed, passphrase),
        to.engine.vault.openPassphraseFile(sealed, passphrase),
      ],
    ] as const;
    expect(() => to.engine.vault.createFile(plain)).toThrow();
    expect(() => to.engine.vault.openFile(sealed)).toThrow(/sealed in another way/);
    for (const [mine, theirs] of roots) {
      for (const spec of ['SYMMETRIC_DEFAULT', 'ECC_NIST_P384', 'HMAC_512'] as KeySpec[]) {
        const made = await from.engine.generateKey(mine, spec, 'id', none);
        await to.engine.loadKey(theirs, spec, made.wrapped, none);
        const foreign = to.engine.loadKey(theirs, spec, made.wrapped, Buffer.from('x'));
        expect(await refusal(foreign)).toBe('INVALID_CIPHERTEXT');
      }
    }
    process.env.KEYSTREL_TEST_PASSPHRASE = 'another passphrase';
    expect(() => to.engine.vault.openPassphraseFile(sealed, passphrase)).toThrow(/wrong/);
    process.env.KEYSTREL_TEST_PASSPHRASE = 'correct horse battery';
  }
  await Promise.all([a.close(), b.close()]);
  rmSync(directory, { recursive: true });
});

describe('choice of the backend', () => {
  test('a failed self-test of symmetric encryption is caught and leads to node', (context) => {
    if (nativeMissing !== undefined) return context.skip(nativeMissing);
    const loaded = loadNativeAddon('native');
    const broken = (algorithm: string) => () => ({
      from: 'test',
      addon: {
        ...loaded.addon!,
        selfTest: () =>
          loaded.addon!.selfTest().map((row) => ({
            ...row,
            passed: row.passed && row.algorithm !== algorithm,
          })),
      },
    });
    const fallen = selectBackend('auto', broken('SYMMETRIC_DEFAULT'));
    expect(fallen.backend.name).toBe('node');
    expect(fallen.nativeReason).toMatch(/self-test/);
    expect(() => selectBackend('native', broken('SYMMETRIC_DEFAULT'))).toThrow(/self-test/);
    const partial = selectBackend('auto', broken('HMAC_SHA_384'));
    expect(partial.backend.name).toBe('native');
    const off = partial.algorithms.filter((row) => row.backend === 'none');
    expect(off.map((row) => row.algorithm)).toEqual(['HMAC_SHA_384']);
  });

  test('an absent addon is named as the reason', () => {
    const none = () => ({ addon: undefined, reason: 'no such file' });
    expect(selectBackend('auto', none).nativeReason).toBe('no such file');
    expect(() => selectBackend('native', none)).toThrow('no such file');
  });
});

test('SigV4: equal to the formula, a changed bit is refused', async () => {
  for (const backend of backends) {
    const t = await openEngine({ backend, dispatch: 'inline' });
    const aad = Buffer.from('key');
    const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
    const wrapped = await t.engine.wrap(t.root, Buffer.from(secret), aad);
    const key = await t.engine.loadKey(t.root, 'SIGV4_SECRET', wrapped, aad);
    const canonical = 'POST\n/\n\nhost:x\n\nhost\n';
    const body = Buffer.from('{}');
    const { createHash } = await import('node:crypto');
    const sha = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');
    const scope = '20260101/eu-west-1/kms/aws4_request';
    let signing: Buffer = Buffer.from(`AWS4${secret}`);
    for (const part of scope.split('/')) {
      signing = createHmac('sha256', signing).update(part).digest();
    }
    const dates = `20260101T000000Z\n${scope}\n`;
    const text = `AWS4-HMAC-SHA256\n${dates}${sha(canonical + sha(body))}`;
    const signature = createHmac('sha256', signing).update(text).digest('hex');
    for (let i = 0; i < 3; i += 1) {
      const check = await t.engine.verifySigV4(key, canonical, body, signature + dates);
      expect(check).toEqual({ ok: true, payloadHash: sha(body) });
    }
    const bad = `${signature.slice(0, 63)}${signature[63] === '0' ? '1' : '0'}`;
    expect((await t.engine.verifySigV4(key, canonical, body, bad + dates)).ok).toBe(false);
    const other = await t.engine.verifySigV4(key, `${canonical}x`, body, signature + dates);
    expect(other.ok).toBe(false);
    await t.close();
  }
});

test('operation numbers fit the frame', () => {
  for (const op of Object.values(OP)) expect(op).toBeLessThan(65_536);
});
