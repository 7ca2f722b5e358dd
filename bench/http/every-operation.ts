/**
 * Workloads of every operation that the first release had, for the comparison of two checkouts.
 *
 * Repeated ones can be sent as often as one likes. Those of a cycle are sent once for each item of
 * a list, one operation after the other, and leave the store as it was, but for CreateKey's keys.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { Target } from './targets.js';
import { sign, WORKLOADS, type Workload } from './workloads.js';

/** A workload with the name of its row, which says the key spec where there are several. */
export interface RepeatedWorkload extends Workload {
  readonly name: string;
}

/** Operations in the order in which they are sent, and the inputs of each. */
export interface Cycle {
  readonly operations: readonly string[];
  /** Makes what is needed for `items` requests of each operation. */
  prepare(target: Target, items: number): Promise<(operation: string) => readonly object[]>;
}

const random = (bytes: number) => randomBytes(bytes).toString('base64');
/** Keys, aliases and ciphertexts that requests take turns with. */
const VARIETY = 16;
/** What lists show: a page of them. */
const LISTED = 50;
/** Aliases of a key stay well below the quota of 50. */
const ALIASES_PER_KEY = 16;

async function times<T>(count: number, make: (i: number) => Promise<T>): Promise<readonly T[]> {
  const made: T[] = [];
  for (let i = 0; i < count; i += 1) made.push(await make(i));
  return made;
}

/** The next of a list at each call, from the first again after the last. */
function inTurn<T>(list: readonly T[]): () => T {
  let i = 0;
  return () => list[i++ % list.length]!;
}

/** Inputs of an operation that was called with each, and what it answered as `member`. */
async function answered(
  target: Target,
  operation: string,
  member: string,
  makeInput: () => object,
): Promise<() => object> {
  return inTurn(
    await times(VARIETY, async () => {
      const input = makeInput();
      const answer = await target.call(operation, input);
      return { ...input, [member]: answer[member] };
    }),
  );
}

/** An operation on one key, always with the same input. */
function onKey(operation: string, keyInput: object, input: object = {}): RepeatedWorkload {
  return {
    name: operation,
    operation,
    async prepare(target: Target) {
      const KeyId = await target.createKey(keyInput);
      return () => ({ KeyId, ...input });
    },
  };
}

/** An operation that checks what another made for the same input. */
function checks(name: string, from: Workload, operation: string, member: string): RepeatedWorkload {
  return {
    name,
    operation,
    prepare: async (target) => answered(target, from.operation, member, await from.prepare(target)),
  };
}

const mac = WORKLOADS.find(({ operation }) => operation === 'GenerateMac')!;

const reEncrypt: RepeatedWorkload = {
  name: 'ReEncrypt',
  operation: 'ReEncrypt',
  async prepare(target) {
    const DestinationKeyId = await target.createKey({});
    const KeyId = await target.createKey({});
    const ciphertext = inTurn(
      await times(VARIETY, async () => {
        const answer = await target.call('Encrypt', { KeyId, Plaintext: random(32) });
        return answer.CiphertextBlob;
      }),
    );
    return () => ({ CiphertextBlob: ciphertext(), DestinationKeyId });
  },
};

const deriveSharedSecret: RepeatedWorkload = {
  name: 'DeriveSharedSecret',
  operation: 'DeriveSharedSecret',
  async prepare(target) {
    const KeyId = await target.createKey({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' });
    const peers = await times(VARIETY, async () => {
      const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
      return publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
    });
    const peer = inTurn(peers);
    return () => ({ KeyId, PublicKey: peer(), KeyAgreementAlgorithm: 'ECDH' });
  },
};

const updateKeyDescription: RepeatedWorkload = {
  name: 'UpdateKeyDescription',
  operation: 'UpdateKeyDescription',
  // More keys than connections: no two changes of one key meet.
  async prepare(target) {
    const key = inTurn(await times(64, () => target.createKey({})));
    return () => ({ KeyId: key(), Description: random(24) });
  },
};

/** A key with `count` aliases, and all of them listed. */
function listAliases(count: number): RepeatedWorkload {
  const { prepare } = onKey('ListAliases', {});
  return {
    name: 'ListAliases',
    operation: 'ListAliases',
    async prepare(target) {
      const makeInput = await prepare(target);
      const { KeyId: TargetKeyId } = makeInput() as { readonly KeyId: string };
      await times(count, (i) =>
        target.call('CreateAlias', { AliasName: `alias/listed-${i}`, TargetKeyId }),
      );
      return makeInput;
    },
  };
}

const listKeys: RepeatedWorkload = {
  name: 'ListKeys',
  operation: 'ListKeys',
  async prepare(target) {
    await times(LISTED, () => target.createKey({}));
    return () => ({ Limit: LISTED });
  },
};

const named = (workload: Workload, name = workload.operation): RepeatedWorkload => ({
  ...workload,
  name,
});

/** Those that change nothing, or the same thing again and again. */
export const REPEATED: readonly RepeatedWorkload[] = [
  onKey('DescribeKey', {}),
  listKeys,
  updateKeyDescription,
  listAliases(LISTED / 2),
  onKey('GetPublicKey', { KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' }),
  ...['Encrypt', 'Decrypt', 'GenerateDataKey'].map((operation) =>
    named(WORKLOADS.find((workload) => workload.operation === operation)!),
  ),
  reEncrypt,
  onKey('GenerateDataKeyWithoutPlaintext', {}, { KeySpec: 'AES_256' }),
  onKey('GenerateDataKeyPair', {}, { KeyPairSpec: 'ECC_NIST_P256' }),
  onKey('GenerateDataKeyPairWithoutPlaintext', {}, { KeyPairSpec: 'ECC_NIST_P256' }),
  {
    name: 'GenerateRandom',
    operation: 'GenerateRandom',
    prepare: async () => () => ({ NumberOfBytes: 32 }),
  },
  ...(['RSA_2048', 'ECC_NIST_P256'] as const).flatMap((spec) => [
    named(sign(spec), `Sign ${spec}`),
    checks(`Verify ${spec}`, sign(spec), 'Verify', 'Signature'),
  ]),
  named(mac),
  checks('VerifyMac', mac, 'VerifyMac', 'Mac'),
  deriveSharedSecret,
];

/** Operations of keys that undo each other. */
function onEveryKey(...operations: readonly string[]): Cycle {
  return {
    operations,
    async prepare(target, items) {
      const keys = await times(items, () => target.createKey({}));
      const inputs = keys.map((KeyId) => ({ KeyId }));
      return () => inputs;
    },
  };
}

const aliases: Cycle = {
  operations: ['CreateAlias', 'UpdateAlias', 'DeleteAlias'],
  async prepare(target, items) {
    const keys = await times(Math.ceil(items / ALIASES_PER_KEY) + 1, () => target.createKey({}));
    const names = Array.from({ length: items }, (_, i) => `alias/cycle-${i}`);
    return (operation) =>
      names.map((AliasName, i) => {
        if (operation === 'DeleteAlias') return { AliasName };
        const moved = operation === 'UpdateAlias' ? 1 : 0;
        return { AliasName, TargetKeyId: keys[(i + moved) % keys.length] };
      });
  },
};

export const CYCLES: readonly Cycle[] = [
  {
    operations: ['CreateKey'],
    prepare: async (_target, items) => () =>
      Array.from({ length: items }, (_, i) => ({ Description: `key ${i}` })),
  },
  onEveryKey('DisableKey', 'EnableKey'),
  onEveryKey('ScheduleKeyDeletion', 'CancelKeyDeletion'),
  aliases,
];
