/** The same data directory under every backend: each reads what the others made. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type DataDirectory, initialiseData, type SpawnedServer, spawnServer } from '../harness.js';
import { makeKey, mustCall, namedKeys } from '../operations/named-keys.js';
import { MESSAGE, type NamedKeys, requests, type Sealed } from '../operations/requests.js';
import { SPECS_HERE } from '../specs-of-regions.js';

/** 64 bytes, as a digest of SHA-512. */
const DIGEST = Buffer.alloc(64, 6).toString('base64');
const BACKENDS = ['native', 'node', 'noble'] as const;
const data = new Map<string, DataDirectory>();
let server: SpawnedServer | undefined;

beforeAll(() => {
  for (const backend of BACKENDS) data.set(backend, initialiseData());
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
});
afterAll(() => {
  for (const directory of data.values()) directory.remove();
});

interface Made {
  readonly keys: NamedKeys;
  readonly sealed: Sealed;
  readonly signatures: readonly {
    KeyId: string;
    Message: string;
    MessageType: string;
    Signature: string;
    SigningAlgorithm: string;
  }[];
}
const made = new Map<string, Made>();

const start = (backend: string, of: string) =>
  spawnServer({ quota: 'off', data: data.get(of)!, env: { KEYSTREL_BACKEND: backend } });

describe.each(BACKENDS)('%s', (backend) => {
  test('serves every operation', async () => {
    server = await start(backend, backend);
    const { keys, sealed } = await namedKeys(server, 'alias/backend');
    const signatures = [];
    for (const row of SPECS_HERE.filter((spec) => spec.usages.includes('SIGN_VERIFY'))) {
      const KeyId = await makeKey(server, row.spec, 'SIGN_VERIFY');
      for (const SigningAlgorithm of row.signingAlgorithms) {
        const isPh = SigningAlgorithm === 'ED25519_PH_SHA_512';
        const Message = isPh ? DIGEST : MESSAGE;
        const MessageType = isPh ? 'DIGEST' : 'RAW';
        const body = { KeyId, Message, MessageType, SigningAlgorithm };
        const { Signature } = await mustCall(server, 'Sign', body);
        signatures.push({ ...body, Signature });
      }
    }
    for (const [name, body] of Object.entries(requests(keys, sealed))) {
      if (name === 'CancelKeyDeletion' || name === 'DeleteAlias') continue;
      if (name === 'ScheduleKeyDeletion') continue;
      // There is no custom key store that could be made, changed or deleted.
      if (name.endsWith('CustomKeyStore')) continue;
      await mustCall(server, name, body);
      if (name === 'DisableKey') await mustCall(server, 'EnableKey', body);
    }
    made.set(backend, { keys, sealed, signatures });
  });
});

describe.each([
  ['native', 'node'],
  ['node', 'native'],
  ['native', 'noble'],
  ['noble', 'native'],
] as const)('what %s made', (maker, reader) => {
  test(`is read by ${reader}`, async () => {
    server = await start(reader, maker);
    const { keys, sealed, signatures } = made.get(maker)!;
    const opened = await mustCall(server, 'Decrypt', { CiphertextBlob: sealed.ciphertext });
    expect(opened.Plaintext).toBe(MESSAGE);
    const body = { KeyId: keys.mac, Message: MESSAGE, MacAlgorithm: 'HMAC_SHA_256' };
    const mac = await mustCall(server, 'GenerateMac', body);
    expect(mac.Mac).toBe(sealed.mac);
    const secret = await mustCall(server, 'Decapsulate', requests(keys, sealed).Decapsulate!);
    expect(Buffer.from(secret.SharedSecret, 'base64')).toHaveLength(32);
    for (const signature of signatures) {
      const checked = await mustCall(server, 'Verify', signature);
      expect(checked.SignatureValid).toBe(true);
      const again = { ...signature, Signature: undefined };
      expect((await mustCall(server, 'Sign', again)).Signature).toBeTypeOf('string');
    }
  });
});
