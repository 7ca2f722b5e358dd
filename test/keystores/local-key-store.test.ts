/** How the engine's outcomes become errors of AWS KMS. */
import { describe, expect, test } from 'vitest';
import { KmsError } from '../../src/core/errors.js';
import { type Engine, EngineError, type EngineStatusName } from '../../src/engine/port.js';
import { createLocalKeyStore } from '../../src/keystores/local/local-key-store.js';
import { openEngine } from '../engine/support.js';

/** `failure` and `isFull` look at the error alone. */
const keyStore = createLocalKeyStore({} as Engine);

describe('failure', () => {
  const codes: readonly (readonly [EngineStatusName, string, string])[] = [
    ['INVALID_CIPHERTEXT', 'InvalidCiphertextException', ''],
    ['INVALID_SIGNATURE', 'KMSInvalidSignatureException', ''],
    ['INVALID_MAC', 'KMSInvalidMacException', ''],
    ['BAD_PEER_KEY', 'ValidationException', ''],
    [
      'OVERLOADED',
      'ThrottlingException',
      'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.',
    ],
    ...(
      [
        'BAD_FRAME',
        'BAD_KEY',
        'UNSUPPORTED',
        'OUT_TOO_SMALL',
        'EXHAUSTED',
        'FAULT',
        'INTERNAL',
        'BAD_INPUT',
        'WORKER_DIED',
        'CLOSED',
      ] as const
    ).map((status) => [status, 'KMSInternalException', ''] as const),
  ];
  test.each(codes)('%s is %s', (status, code, message) => {
    const cause = new EngineError(status);
    const failure = keyStore.failure(cause);
    expect([failure.code, failure.message, failure.cause]).toEqual([code, message, cause]);
    expect(keyStore.isFull(cause)).toBe(status === 'EXHAUSTED');
  });

  test('leaves a KmsError as it is, and tells nothing of a foreign error', () => {
    const own = new KmsError('NotFoundException', 'x');
    expect(keyStore.failure(own)).toBe(own);
    const foreign = keyStore.failure(new Error('secret text'));
    expect([foreign.code, foreign.message]).toEqual(['KMSInternalException', '']);
  });
});

test('material is generated wrapped, loaded by its binding alone, and gone when freed', async () => {
  const opened = await openEngine({ dispatch: 'inline' });
  const { engine, root } = opened;
  const local = createLocalKeyStore(engine);
  const aad = Buffer.from('binding');
  const made = await local.generate(root, 'HMAC_256', 'key-id', aad);
  const load = (binding: string) =>
    local.load(root, 'HMAC_256', made.wrapped, Buffer.from(binding)).catch((error: unknown) => {
      throw local.failure(error);
    });
  await expect(load('another')).rejects.toMatchObject({ code: 'InvalidCiphertextException' });
  const key = await load('binding');
  // The material id is the MAC of the key id under the material.
  expect(await local.mac(key, 'HMAC_256', Buffer.from('key-id'))).toEqual(made.materialId);
  local.free(key);
  local.free(key);
  await expect(local.mac(key, 'HMAC_256', aad)).rejects.toMatchObject({ status: 'BAD_KEY' });
  await opened.close();
});
