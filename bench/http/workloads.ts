/** What is asked of the servers, one workload per operation. */
import { randomBytes } from 'node:crypto';
import type { Target } from './targets.js';

export interface Workload {
  readonly operation: string;
  /** Makes what the requests need and returns how to make one input. */
  prepare(target: Target): Promise<() => object>;
}

const random = (bytes: number) => randomBytes(bytes).toString('base64');

export const WORKLOADS: readonly Workload[] = [
  {
    operation: 'Encrypt',
    async prepare(target) {
      const KeyId = await target.createKey({});
      return () => ({ KeyId, Plaintext: random(32) });
    },
  },
  {
    operation: 'Decrypt',
    async prepare(target) {
      const KeyId = await target.createKey({});
      const blobs: unknown[] = [];
      for (let i = 0; i < 16; i++) {
        const answer =
          target.name === 'echo'
            ? { CiphertextBlob: random(148) }
            : await target.call('Encrypt', { KeyId, Plaintext: random(32) });
        blobs.push(answer.CiphertextBlob);
      }
      let i = 0;
      return () => ({ CiphertextBlob: blobs[i++ % blobs.length] });
    },
  },
  {
    operation: 'GenerateDataKey',
    async prepare(target) {
      const KeyId = await target.createKey({});
      return () => ({ KeyId, KeySpec: 'AES_256' });
    },
  },
  {
    operation: 'GenerateMac',
    async prepare(target) {
      const KeyId = await target.createKey({
        KeySpec: 'HMAC_256',
        KeyUsage: 'GENERATE_VERIFY_MAC',
      });
      return () => ({ KeyId, Message: random(64), MacAlgorithm: 'HMAC_SHA_256' });
    },
  },
  {
    operation: 'Sign',
    async prepare(target) {
      const KeyId = await target.createKey({ KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' });
      return () => ({
        KeyId,
        Message: random(32),
        MessageType: 'RAW',
        SigningAlgorithm: 'RSASSA_PKCS1_V1_5_SHA_256',
      });
    },
  },
];
