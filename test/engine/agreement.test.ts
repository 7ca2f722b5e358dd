/**
 * Native, node and noble agree: random inputs, batches of 1 to 33 jobs, one bad job among them at each
 * kind of position. What is random in itself is made by one backend and checked by the others.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KeyHandle } from '../../src/core/key-handle.js';
import type { KeySpec, MessageType } from '../../src/core/records.js';
import type { EngineError } from '../../src/engine/port.js';
import { KEY_SPECS, keySpecRow } from '../../src/specs/key-specs.js';
import { backends, openEngine, seeded, type TestEngine } from './support.js';

const random = seeded();
const AAD = Buffer.from('test');

/** One key, loaded into every backend: wrapped by the first, passed on through a root key file. */
interface Everywhere {
  readonly keys: ReadonlyMap<string, KeyHandle>;
  readonly publicKey: Buffer | undefined;
}

const engines = new Map<string, TestEngine>();
const roots = new Map<string, KeyHandle>();
const made = new Map<KeySpec, Everywhere>();

beforeAll(async () => {
  const { mkdtempSync, rmSync } = await import('node:fs');
  const directory = mkdtempSync('/tmp/keystrel-agreement-');
  const path = `${directory}/root.key`;
  for (const backend of backends) {
    const t = await openEngine({ backend, dispatch: 'inline' });
    engines.set(backend, t);
    const first = roots.size === 0;
    roots.set(backend, first ? t.engine.vault.createFile(path) : t.engine.vault.openFile(path));
  }
  rmSync(directory, { recursive: true });
  for (const row of KEY_SPECS) {
    if (row.spec === 'RSA_4096') continue; // As RSA_3072, only slower to make.
    await everywhere(row.spec);
  }
});
afterAll(async () => {
  for (const t of engines.values()) await t.close();
});

/** Made by each backend in turn, so that each one's keys load into all others. */
async function everywhere(spec: KeySpec): Promise<void> {
  const maker = backends[made.size % backends.length]!;
  const key = await engines.get(maker)!.engine.generateKey(roots.get(maker)!, spec, 'id', AAD);
  const keys = new Map<string, KeyHandle>();
  for (const [name, t] of engines) {
    keys.set(name, await t.engine.loadKey(roots.get(name)!, spec, key.wrapped, AAD));
  }
  made.set(spec, { keys, publicKey: key.publicKey });
}

const keyOf = (spec: KeySpec, backend: string): KeyHandle => made.get(spec)!.keys.get(backend)!;
const engineOf = (backend: string) => engines.get(backend)!.engine;

/** First, last, middle, lane 3 of 8, lane 7: what there is of them in a batch of `size`. */
function badPositions(size: number): number[] {
  return [...new Set([0, size - 1, size >> 1, 3, 7])].filter((at) => at < size);
}

/** Status of each job: 'OK' or the error's name. */
async function statuses(work: readonly Promise<unknown>[]): Promise<string[]> {
  const outcomes = await Promise.allSettled(work);
  return outcomes.map((o) => (o.status === 'fulfilled' ? 'OK' : (o.reason as EngineError).status));
}

function expectOneBad(found: readonly string[], bad: number, status: string): void {
  expect(found).toEqual(found.map((_, i) => (i === bad ? status : 'OK')));
}

/** The types of message that an algorithm is tried with here; digests have a test of their own. */
function formsOf(algorithm: string): readonly MessageType[] {
  if (algorithm === 'ED25519_PH_SHA_512') return ['DIGEST'];
  if (algorithm === 'SM2DSA') return ['RAW', 'DIGEST'];
  return algorithm === 'ML_DSA_SHAKE_256' ? ['RAW', 'EXTERNAL_MU'] : ['RAW'];
}

const pairs = backends.flatMap((a) => backends.map((b) => [a, b] as const));
const sizes = Array.from({ length: 33 }, (_, i) => i + 1);

describe.each(pairs)('made by %s, checked by %s', (maker, checker) => {
  test('AES-256-GCM under derived keys, batches of 1 to 33', async () => {
    const spec = 'SYMMETRIC_DEFAULT';
    for (const size of sizes) {
      const inputs = Array.from({ length: size }, () => ({
        plaintext: random.bytes(random.int(301)),
        context: random.bytes(random.int(5) === 0 ? 300 + random.int(300) : random.int(200)),
        header: random.bytes(random.int(60)),
      }));
      const blobs = await Promise.all(
        inputs.map((i) =>
          engineOf(maker).encrypt(keyOf(spec, maker), i.plaintext, i.context, i.header),
        ),
      );
      const open = (blob: Buffer, i: number) =>
        engineOf(checker).decrypt(
          keyOf(spec, checker),
          blob,
          inputs[i]!.context,
          inputs[i]!.header,
        );
      const opened = await Promise.all(blobs.map(open));
      expect(opened).toEqual(inputs.map((input) => input.plaintext));
      for (const bad of badPositions(size)) {
        const spoilt = blobs.map((blob) => Buffer.from(blob));
        const at = inputs[bad]!.header.length + random.int(44 + inputs[bad]!.plaintext.length);
        spoilt[bad]![at]! ^= 1 << random.int(8);
        expectOneBad(await statuses(spoilt.map(open)), bad, 'INVALID_CIPHERTEXT');
      }
    }
  });

  test('data keys', async () => {
    const spec = 'SYMMETRIC_DEFAULT';
    const lengths = [1, 16, 31, 32, 33, 64, 255, 256, 257, 1024];
    for (const bytes of lengths) {
      const header = random.bytes(38);
      const { plaintext, blob } = await engineOf(maker).generateDataKey(
        keyOf(spec, maker),
        bytes,
        AAD,
        header,
      );
      expect(plaintext).toHaveLength(bytes);
      const opened = engineOf(checker).decrypt(keyOf(spec, checker), blob, AAD, header);
      expect(await opened).toEqual(plaintext);
    }
  });

  test('material wrapped anew for another domain', async () => {
    const root = (backend: string) => roots.get(backend)!;
    const domain = await engineOf(maker).generateKey(root(maker), 'DOMAIN', 'id', AAD);
    const domainAt = (backend: string) =>
      engineOf(backend).loadKey(root(backend), 'DOMAIN', domain.wrapped, AAD);
    const [here, there] = [await domainAt(maker), await domainAt(checker)];
    const other = Buffer.from('another region');
    for (const spec of ['SYMMETRIC_DEFAULT', 'HMAC_384', 'ECC_NIST_P256', 'RSA_2048'] as const) {
      const { wrapped } = await engineOf(maker).generateKey(root(maker), spec, 'id', AAD);
      const spoilt = Buffer.from(wrapped);
      spoilt[random.int(spoilt.length)]! ^= 1;
      const rewrap = (bytes: Buffer, to = here) =>
        engineOf(maker).rewrap(root(maker), bytes, AAD, to, other);
      const again = await rewrap(wrapped);
      expect(again).toHaveLength(wrapped.length);
      const load = (bytes: Buffer, aad: Buffer) =>
        engineOf(checker).loadKey(there, spec, bytes, aad);
      const work = [load(again, other), load(again, AAD), load(wrapped, other), rewrap(spoilt)];
      const bad = 'INVALID_CIPHERTEXT';
      expect(await statuses(work)).toEqual(['OK', bad, bad, bad]);
      engineOf(checker).freeKey((await work[0]) as KeyHandle);
      const mac = keyOf('HMAC_256', maker);
      expect(await statuses([rewrap(wrapped, mac)])).toEqual(['BAD_KEY']);
      if (spec !== 'SYMMETRIC_DEFAULT') continue;
      // The very same material: what it encrypted is decrypted by what comes back.
      const original = await engineOf(maker).loadKey(root(maker), spec, wrapped, AAD);
      const moved = await load(again, other);
      const blob = await engineOf(maker).encrypt(original, AAD, AAD, AAD);
      expect(await engineOf(checker).decrypt(moved, blob, AAD, AAD)).toEqual(AAD);
      engineOf(maker).freeKey(original);
      engineOf(checker).freeKey(moved);
    }
    engineOf(maker).freeKey(here);
    engineOf(checker).freeKey(there);
  });

  test.each(['HMAC_224', 'HMAC_256', 'HMAC_384', 'HMAC_512'] as const)(
    '%s, batches of 1 to 33',
    async (spec) => {
      for (const size of sizes) {
        const messages = Array.from({ length: size }, () => random.bytes(random.int(301)));
        const make = (backend: string) =>
          Promise.all(messages.map((m) => engineOf(backend).mac(keyOf(spec, backend), spec, m)));
        const macs = await make(maker);
        expect(await make(checker)).toEqual(macs);
        const check = (mac: Buffer, i: number) =>
          engineOf(checker).verifyMac(keyOf(spec, checker), spec, messages[i]!, mac);
        for (const bad of badPositions(size)) {
          const spoilt = macs.map((mac) => Buffer.from(mac));
          spoilt[bad]![random.int(spoilt[bad]!.length)]! ^= 1 << random.int(8);
          expectOneBad(await statuses(spoilt.map(check)), bad, 'INVALID_MAC');
        }
      }
    },
  );

  const signing = KEY_SPECS.filter((r) => r.signingAlgorithms.length > 0 && r.spec !== 'RSA_4096');
  test.each(signing.map((row) => row.spec))('signatures of %s', async (spec) => {
    // @noble takes milliseconds for each: fewer sizes there, all of them where both are fast.
    const fast = maker !== 'noble' && checker !== 'noble';
    const some = fast && spec !== 'RSA_3072' ? [1, 2, 7, 8, 9, 33] : [1, 3];
    const forms = keySpecRow(spec).signingAlgorithms.flatMap((algorithm) =>
      formsOf(algorithm).map((type) => [algorithm, type] as const),
    );
    for (const [algorithm, type] of forms) {
      for (const size of some) {
        const lengths = { RAW: random.int(200), DIGEST: algorithm === 'SM2DSA' ? 32 : 64 };
        const bytes = () => (type === 'EXTERNAL_MU' ? 64 : lengths[type]);
        const messages = Array.from({ length: size }, () => random.bytes(bytes()));
        const signatures = await Promise.all(
          messages.map((m) => engineOf(maker).sign(keyOf(spec, maker), spec, algorithm, m, type)),
        );
        const check = (signature: Buffer, i: number) => {
          const key = keyOf(spec, checker);
          return engineOf(checker).verify(key, spec, algorithm, messages[i]!, type, signature);
        };
        expect(await statuses(signatures.map(check))).toEqual(signatures.map(() => 'OK'));
        for (const bad of badPositions(size).slice(0, 2)) {
          const spoilt = signatures.map((signature) => Buffer.from(signature));
          spoilt[bad]![spoilt[bad]!.length - 1]! ^= 1;
          expectOneBad(await statuses(spoilt.map(check)), bad, 'INVALID_SIGNATURE');
        }
      }
    }
  });

  test.each(['ML_KEM_512', 'ML_KEM_768', 'ML_KEM_1024'] as const)('secrets of %s', async (spec) => {
    const made = await Promise.all(
      Array.from({ length: 3 }, () =>
        engineOf(maker).encapsulate(keyOf(spec, maker), spec, 'ML_KEM'),
      ),
    );
    const open = (backend: string, ciphertext: Buffer) =>
      engineOf(backend).decapsulate(keyOf(spec, backend), spec, 'ML_KEM', ciphertext);
    for (const { sharedSecret, ciphertext } of made) {
      expect(ciphertext).toHaveLength(keySpecRow(spec).sizeBytes);
      expect(await open(checker, ciphertext)).toEqual(sharedSecret);
      // Implicit rejection: another secret, the same with both.
      const spoilt = Buffer.from(ciphertext);
      spoilt[random.int(spoilt.length)]! ^= 1 << random.int(8);
      const other = await open(checker, spoilt);
      expect(other).not.toEqual(sharedSecret);
      expect(await open(maker, spoilt)).toEqual(other);
    }
    const { ciphertext } = made[0]!;
    const longer = Buffer.concat([ciphertext, ciphertext.subarray(0, 1)]);
    const wrong = [ciphertext.subarray(1), longer].map((bytes) => open(checker, bytes));
    expect(await statuses(wrong)).toEqual(['INVALID_CIPHERTEXT', 'INVALID_CIPHERTEXT']);
  });

  test.each(['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] as const)('%s', async (algorithm) => {
    const spec = 'RSA_2048';
    const hashBytes = algorithm === 'RSAES_OAEP_SHA_1' ? 20 : 32;
    const most = 256 - 2 * hashBytes - 2;
    const plaintexts = [0, 1, 32, most - 1, most].map((n) => random.bytes(n));
    const key = keyOf(spec, maker);
    const ciphertexts = await Promise.all(
      plaintexts.map((p) => engineOf(maker).rsaEncrypt(key, spec, algorithm, p)),
    );
    const open = (c: Buffer) =>
      engineOf(checker).rsaDecrypt(keyOf(spec, checker), spec, algorithm, c);
    expect(await Promise.all(ciphertexts.map(open))).toEqual(plaintexts);
    for (let bad = 0; bad < ciphertexts.length; bad += 1) {
      const spoilt = ciphertexts.map((c) => Buffer.from(c));
      spoilt[bad]![100]! ^= 1;
      expectOneBad(await statuses(spoilt.map(open)), bad, 'INVALID_CIPHERTEXT');
    }
    const long = engineOf(maker).rsaEncrypt(key, spec, algorithm, random.bytes(most + 1));
    expect(await statuses([long])).toEqual(['BAD_INPUT']);
  });

  test('SM2PKE', async () => {
    const spec = 'SM2';
    const key = keyOf(spec, maker);
    const plaintexts = [1, 1, 31, 32, 33, 127, 128, 255, 256, 1024, 4096].map(random.bytes);
    const ciphertexts = await Promise.all(
      plaintexts.map((p) => engineOf(maker).rsaEncrypt(key, spec, 'SM2PKE', p)),
    );
    const open = (c: Buffer) =>
      engineOf(checker).rsaDecrypt(keyOf(spec, checker), spec, 'SM2PKE', c);
    expect(await Promise.all(ciphertexts.map(open))).toEqual(plaintexts);
    const spoilt = ciphertexts.flatMap((c) =>
      Array.from({ length: 8 }, () => {
        const copy = Buffer.from(c);
        copy[random.int(copy.length)]! ^= 1 << random.int(8);
        return copy;
      }),
    );
    const other = [ciphertexts[0]!.subarray(1), Buffer.concat([ciphertexts[0]!, AAD]), AAD];
    for (const status of await statuses([...spoilt, ...other].map(open))) {
      expect(status).toBe('INVALID_CIPHERTEXT');
    }
    const empty = engineOf(maker).rsaEncrypt(key, spec, 'SM2PKE', Buffer.alloc(0));
    const wrong = [
      engineOf(maker).rsaEncrypt(key, spec, 'RSAES_OAEP_SHA_256', AAD),
      engineOf(maker).rsaDecrypt(key, spec, 'RSAES_OAEP_SHA_256', ciphertexts[0]!),
      engineOf(maker).sign(key, spec, 'ECDSA_SHA_256', AAD, 'RAW'),
      engineOf(maker).sign(key, spec, 'SM2DSA', random.bytes(64), 'EXTERNAL_MU'),
      engineOf(maker).sign(key, spec, 'SM2DSA', random.bytes(31), 'DIGEST'),
    ];
    expect(await statuses([empty, ...wrong])).toEqual([
      'BAD_INPUT',
      'UNSUPPORTED',
      'UNSUPPORTED',
      'UNSUPPORTED',
      'BAD_INPUT',
      'BAD_INPUT',
    ]);
  });

  test.each(['ECC_NIST_P256', 'ECC_NIST_P384', 'ECC_NIST_P521', 'SM2'] as const)(
    'shared secrets on %s',
    async (spec) => {
      const peer = await engineOf(maker).generateKey(roots.get(maker)!, spec, 'id', AAD);
      const peerKey = await engineOf(maker).loadKey(roots.get(maker)!, spec, peer.wrapped, AAD);
      const ours = engineOf(checker).deriveSharedSecret(
        keyOf(spec, checker),
        spec,
        peer.publicKey!,
      );
      const own = made.get(spec)!.publicKey!;
      const theirs = await engineOf(maker).deriveSharedSecret(peerKey, spec, own);
      expect(await ours).toEqual(theirs);
      const off = Buffer.from(peer.publicKey!);
      off[off.length - 1]! ^= 1;
      const good = peer.publicKey!;
      const mixed = [good, off, good].map((spki) =>
        engineOf(checker).deriveSharedSecret(keyOf(spec, checker), spec, spki),
      );
      expectOneBad(await statuses(mixed), 1, 'BAD_PEER_KEY');
      engineOf(maker).freeKey(peerKey);
    },
  );
});
