/** What is asked of the servers, one workload per operation. */
import { randomBytes } from 'node:crypto';
import type { Target } from './targets.js';

export interface Workload {
  readonly operation: string;
  /** Makes what the requests need and returns how to make one input. */
  prepare(target: Target): Promise<() => object>;
}

/** The key specs that Sign is measured with, and the algorithm of each. */
export const SIGNING_ALGORITHMS = {
  RSA_2048: 'RSASSA_PKCS1_V1_5_SHA_256',
  ECC_NIST_P256: 'ECDSA_SHA_256',
  ECC_NIST_P384: 'ECDSA_SHA_384',
} as const;
export type SigningSpec = keyof typeof SIGNING_ALGORITHMS;

const random = (bytes: number) => randomBytes(bytes).toString('base64');

/** Sign with a key of the spec, messages of 32 bytes. */
export function sign(spec: SigningSpec): Workload {
  return {
    operation: 'Sign',
    async prepare(target) {
      const KeyId = await target.createKey({ KeySpec: spec, KeyUsage: 'SIGN_VERIFY' });
      return () => ({
        KeyId,
        Message: random(32),
        MessageType: 'RAW',
        SigningAlgorithm: SIGNING_ALGORITHMS[spec],
      });
    },
  };
}

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
  sign('RSA_2048'),
];
