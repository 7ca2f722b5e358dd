/**
 * With the native backend no plaintext key material is in the JavaScript heap, nor anywhere in
 * memory that a core dump would hold, except inside AWS-LC for private keys in use. The material is
 * worked out here from the data directory, and looked for in a heap snapshot and in the process's
 * memory; so are imported material, the AES keys that it came under and the private keys of import
 * tokens. Controls that must be found: a description and a public key, which live in the heap as
 * string and as bytes, and the same secrets under the node backend, which keeps them in memory.
 *
 * Not seen by this test: registers, kernel memory, copies that were overwritten before the search.
 */
import { createPrivateKey, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { encryptMaterial, freshPrivateKey } from '../engine/import-material.js';
import { initialiseData, type SpawnedServer, spawnServer } from '../harness.js';
import { mustCall } from '../operations/named-keys.js';
import { MESSAGE } from '../operations/requests.js';
import { mappings, searchMemory } from './process-memory.js';
import { openDataDirectory, type Secret, unwrap } from './unwrap.js';

const CONTROL = 'control-string-that-has-to-be-found-5d1c';
const WARM_UP = 60;
const snapshots = mkdtempSync(join(tmpdir(), 'keystrel-heap-'));
let server: SpawnedServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});
afterAll(() => rmSync(snapshots, { recursive: true }));

const SPECS = [
  ['SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT'],
  ['HMAC_512', 'GENERATE_VERIFY_MAC'],
  ['ECC_NIST_P256', 'SIGN_VERIFY'],
  ['RSA_2048', 'SIGN_VERIFY'],
] as const;

/** Makes keys of every kind and uses each often enough to be warm everywhere. */
async function useKeys(target: SpawnedServer): Promise<{ keyIds: string[]; publicKey: Buffer }> {
  const keyIds: string[] = [];
  for (const [KeySpec, KeyUsage] of SPECS) {
    const key = { KeySpec, KeyUsage, Description: CONTROL };
    keyIds.push((await mustCall(target, 'CreateKey', key)).KeyMetadata.KeyId);
  }
  const [symmetric, mac, ecc, rsa] = keyIds as [string, string, string, string];
  const rounds = Array.from({ length: WARM_UP }, async () => {
    const sealed = await mustCall(target, 'Encrypt', { KeyId: symmetric, Plaintext: MESSAGE });
    await mustCall(target, 'Decrypt', { CiphertextBlob: sealed.CiphertextBlob });
    await mustCall(target, 'GenerateDataKey', { KeyId: symmetric, KeySpec: 'AES_256' });
    const macBody = { KeyId: mac, Message: MESSAGE, MacAlgorithm: 'HMAC_SHA_512' };
    await mustCall(target, 'GenerateMac', macBody);
    const ecdsa = { KeyId: ecc, Message: MESSAGE, SigningAlgorithm: 'ECDSA_SHA_256' };
    await mustCall(target, 'Sign', ecdsa);
    const pss = { KeyId: rsa, Message: MESSAGE, SigningAlgorithm: 'RSASSA_PSS_SHA_256' };
    await mustCall(target, 'Sign', pss);
  });
  await Promise.all(rounds);
  const shown = await mustCall(target, 'GetPublicKey', { KeyId: rsa });
  return { keyIds, publicKey: Buffer.from(shown.PublicKey, 'base64') };
}

const TOKEN_HEADER_BYTES = 13;

interface Imported {
  readonly keyIds: string[];
  /** AES keys that material came under. */
  readonly keks: Buffer[];
  readonly tokens: { readonly keyId: string; readonly token: Buffer }[];
}

/** Imports material of every kind into keys of its own. */
async function importKeys(target: SpawnedServer): Promise<Imported> {
  const imported: Imported = { keyIds: [], keks: [], tokens: [] };
  for (const [KeySpec, KeyUsage] of SPECS) {
    const body = { KeySpec, KeyUsage, Origin: 'EXTERNAL' };
    const KeyId = (await mustCall(target, 'CreateKey', body)).KeyMetadata.KeyId;
    const isSecret = KeySpec === 'SYMMETRIC_DEFAULT' || KeySpec === 'HMAC_512';
    const WrappingAlgorithm = isSecret ? 'RSAES_OAEP_SHA_256' : 'RSA_AES_KEY_WRAP_SHA_256';
    const kek = randomBytes(32);
    const asked = { KeyId, WrappingAlgorithm, WrappingKeySpec: 'RSA_2048' };
    const parameters = await mustCall(target, 'GetParametersForImport', asked);
    const spki = Buffer.from(parameters.PublicKey, 'base64');
    const length = KeySpec === 'HMAC_512' ? 64 : 32;
    const material = isSecret ? randomBytes(length) : freshPrivateKey(KeySpec);
    const encrypted = encryptMaterial(spki, WrappingAlgorithm, material, kek);
    await mustCall(target, 'ImportKeyMaterial', {
      KeyId,
      ImportToken: parameters.ImportToken,
      EncryptedKeyMaterial: encrypted.toString('base64'),
      ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
    });
    imported.keyIds.push(KeyId);
    if (!isSecret) imported.keks.push(kek);
    imported.tokens.push({
      keyId: KeyId,
      token: Buffer.from(parameters.ImportToken, 'base64'),
    });
  }
  const [symmetric, mac, ecc] = imported.keyIds;
  await mustCall(target, 'Encrypt', { KeyId: symmetric, Plaintext: MESSAGE });
  const macBody = { KeyId: mac, Message: MESSAGE, MacAlgorithm: 'HMAC_SHA_512' };
  await mustCall(target, 'GenerateMac', macBody);
  const ecdsa = { KeyId: ecc, Message: MESSAGE, SigningAlgorithm: 'ECDSA_SHA_256' };
  await mustCall(target, 'Sign', ecdsa);
  return imported;
}

/** What the requests of an import held: AES keys, and the private keys inside tokens. */
function importSecrets(
  imported: Imported,
  secrets: readonly Secret[],
  { account, region }: SpawnedServer,
): Secret[] {
  const keks = imported.keks.map(
    (bytes, i): Secret => ({ name: `AES key ${i} of an import`, kind: 'secret', bytes }),
  );
  const wrapping = imported.tokens.map(({ keyId, token }): Secret => {
    const header = token.subarray(0, TOKEN_HEADER_BYTES);
    const domain = secrets.find((one) => one.name === `domain key ${header.readUInt32BE(1)}`)!;
    const scope = `${account}/${region}/${keyId}`;
    const aad = `keystrel/import-token/v1/${scope}/${header.toString('hex')}`;
    const bytes = unwrap(domain.bytes, token.subarray(TOKEN_HEADER_BYTES), aad);
    return { name: `wrapping key for ${keyId}`, kind: 'pkcs8', bytes };
  });
  return [...keks, ...wrapping];
}

/** A private key's parts that must stay secret, big-endian, as JWK has them. */
function privateParts(secret: Secret): [string, Buffer][] {
  const jwk = createPrivateKey({ key: secret.bytes, format: 'der', type: 'pkcs8' }).export({
    format: 'jwk',
  });
  const parts = ['d', 'p', 'q'] as const;
  return parts
    .filter((part) => jwk[part] !== undefined)
    .map((part) => [`${secret.name} ${part}`, Buffer.from(String(jwk[part]), 'base64url')]);
}

/** Needles: what would be seen of each secret. Sixteen bytes of it are enough to give it away. */
function needles(secrets: readonly Secret[]): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const secret of secrets) {
    if (secret.kind === 'secret') found.set(secret.name, secret.bytes.subarray(0, 16));
    else {
      for (const [name, part] of privateParts(secret)) found.set(name, part.subarray(0, 16));
    }
  }
  return found;
}

async function heapSnapshot(target: SpawnedServer): Promise<Buffer> {
  const before = new Set(readdirSync(snapshots));
  target.signal('SIGUSR2');
  const deadline = performance.now() + 30_000;
  let size = -1;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    const fresh = readdirSync(snapshots).find((name) => !before.has(name));
    const now = fresh === undefined ? -1 : statSync(join(snapshots, fresh)).size;
    if (fresh !== undefined && now > 0 && now === size) {
      return readFileSync(join(snapshots, fresh));
    }
    size = now;
    if (performance.now() > deadline) throw new Error('no heap snapshot within 30 s');
  }
}

/** How bytes may stand in a heap snapshot, which holds strings as JSON. */
function textForms(bytes: Buffer): string[] {
  const hex = bytes.toString('hex');
  const whole = bytes.subarray(0, bytes.length - (bytes.length % 3));
  const base64 = whole.toString('base64');
  return [hex, hex.toUpperCase(), base64, base64.replaceAll('+', '-').replaceAll('/', '_')];
}

async function startAndUse(backend: 'native' | 'node') {
  const data = initialiseData();
  server = await spawnServer({
    quota: 'off',
    data,
    env: { KEYSTREL_BACKEND: backend },
    nodeArguments: ['--heapsnapshot-signal=SIGUSR2', `--diagnostic-dir=${snapshots}`],
  });
  const used = await useKeys(server);
  const imported = await importKeys(server);
  used.keyIds.push(...imported.keyIds);
  const kept = await openDataDirectory(data.path, server.region);
  const secrets = [...kept, ...importSecrets(imported, kept, server)];
  const names = secrets.map((secret) => secret.name);
  for (const keyId of used.keyIds) expect(names).toContain(`material of ${keyId}`);
  expect(names).toContain('root key');
  expect(names).toContain(`secret of ${server.credentials.accessKeyId}`);
  return { running: server, secrets, ...used };
}

describe('native backend', () => {
  test('no key material in the heap or in memory that is dumped', async () => {
    const { running, secrets, publicKey } = await startAndUse('native');
    const snapshot = await heapSnapshot(running);
    expect(snapshot.includes(CONTROL)).toBe(true);
    const seen: string[] = [];
    for (const [name, bytes] of needles(secrets)) {
      for (const form of textForms(bytes)) if (snapshot.includes(form)) seen.push(name);
    }
    expect(seen).toEqual([]);

    const controls = new Map([
      ['control string', Buffer.from(CONTROL)],
      ['control bytes', publicKey.subarray(40, 72)],
    ]);
    const found = searchMemory(running.pid, controls).map((finding) => finding.needle);
    expect(new Set(found)).toEqual(new Set(controls.keys()));
    expect(searchMemory(running.pid, needles(secrets))).toEqual([]);

    const arena = mappings(running.pid).filter((mapping) => mapping.flags.has('dd'));
    expect(arena.some((mapping) => mapping.readable)).toBe(true);
    console.log(
      `searched ${snapshot.length} bytes of heap snapshot and the memory for ` +
        `${needles(secrets).size} secrets; ${arena.length} mappings are never dumped`,
    );
  });
});

describe('node backend, the control of the search', () => {
  test('its secrets are found in memory', async () => {
    const { running, secrets } = await startAndUse('node');
    const symmetric = secrets.filter((secret) => secret.kind === 'secret');
    const found = new Set(
      searchMemory(running.pid, needles(symmetric)).map((finding) => finding.needle),
    );
    expect(found.size).toBeGreaterThan(0);
  });
});
