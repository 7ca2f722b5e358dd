/** kill -9 under load: every key, alias, state and ciphertext acknowledged before is there after. */
import { afterAll, expect, test } from 'vitest';
import { initialiseData, type SpawnedServer, spawnServer } from '../harness.js';
import { mustCall } from '../operations/named-keys.js';

const CYCLES = 20;
const WORKERS = 8;
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
let state = seed + 1;
/** Park-Miller, so that a run can be repeated. */
function random(): number {
  state = (state * 48_271) % 2_147_483_647;
  return state / 2_147_483_647;
}

interface Expected {
  readonly states: Map<string, string>;
  readonly descriptions: Map<string, string>;
  readonly aliases: Map<string, string>;
  readonly ciphertexts: Map<string, string>;
}

let server: SpawnedServer | undefined;
const data = initialiseData();
afterAll(async () => {
  await server?.stop();
  data.remove();
});

/** Works on keys of its own until the server dies; writes down what was acknowledged. */
async function worker(target: SpawnedServer, expected: Expected, id: string): Promise<number> {
  let acknowledged = 0;
  const ask = async (operation: string, body: object) => {
    const reply = await mustCall(target, operation, body);
    acknowledged += 1;
    return reply;
  };
  try {
    for (let i = 0; ; i += 1) {
      const made = await ask('CreateKey', { Description: `${id}-${i}` });
      const { KeyId } = made.KeyMetadata;
      expected.states.set(KeyId, 'Enabled');
      expected.descriptions.set(KeyId, `${id}-${i}`);
      const sealed = await ask('Encrypt', { KeyId, Plaintext: 'AAAA' });
      expected.ciphertexts.set(sealed.CiphertextBlob, KeyId);
      const AliasName = `alias/${id}-${i}`;
      await ask('CreateAlias', { AliasName, TargetKeyId: KeyId });
      expected.aliases.set(AliasName, KeyId);
      // While a change is under way, either outcome is right: nothing is expected of that fact.
      const fate = Math.floor(random() * 4);
      if (fate === 0) {
        expected.states.delete(KeyId);
        await ask('DisableKey', { KeyId });
        expected.states.set(KeyId, 'Disabled');
      } else if (fate === 1) {
        expected.states.delete(KeyId);
        await ask('ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 });
        expected.states.set(KeyId, 'PendingDeletion');
      } else if (fate === 2) {
        expected.descriptions.delete(KeyId);
        await ask('UpdateKeyDescription', { KeyId, Description: `changed ${id}-${i}` });
        expected.descriptions.set(KeyId, `changed ${id}-${i}`);
      } else {
        expected.aliases.delete(AliasName);
        await ask('DeleteAlias', { AliasName });
        expected.aliases.set(AliasName, '');
      }
    }
  } catch (error) {
    // The connection ends with the server; every other failure is one.
    if ((error as { code?: string }).code === undefined) throw error;
    return acknowledged;
  }
}

async function verify(target: SpawnedServer, expected: Expected): Promise<number> {
  let checked = 0;
  for (const KeyId of new Set([...expected.states.keys(), ...expected.descriptions.keys()])) {
    const { KeyMetadata } = await mustCall(target, 'DescribeKey', { KeyId });
    const keyState = expected.states.get(KeyId);
    if (keyState !== undefined) expect([KeyId, KeyMetadata.KeyState]).toEqual([KeyId, keyState]);
    const description = expected.descriptions.get(KeyId);
    if (description !== undefined) expect(KeyMetadata.Description).toBe(description);
    checked += 1;
  }
  for (const [AliasName, KeyId] of expected.aliases) {
    const reply = await target.call('DescribeKey', { KeyId: AliasName });
    if (KeyId === '') expect(reply.json.__type).toBe('NotFoundException');
    else expect(reply.json.KeyMetadata.KeyId).toBe(KeyId);
    checked += 1;
  }
  for (const [CiphertextBlob, KeyId] of expected.ciphertexts) {
    const keyState = expected.states.get(KeyId);
    if (keyState === undefined) continue;
    const reply = await target.call('Decrypt', { CiphertextBlob });
    if (keyState === 'Enabled') expect(reply.json.Plaintext).toBe('AAAA');
    else expect(reply.status).toBe(400);
    checked += 1;
  }
  return checked;
}

test(`${CYCLES} kills lose nothing that was acknowledged`, { timeout: 240_000 }, async () => {
  console.log(`seed ${seed} (SEED=${seed})`);
  let acknowledged = 0;
  let checked = 0;
  let last: Expected | undefined;
  for (let cycle = 0; cycle < CYCLES; cycle += 1) {
    server = await spawnServer({ quota: 'off', data });
    if (last !== undefined) checked += await verify(server, last);
    const expected: Expected = {
      states: new Map(),
      descriptions: new Map(),
      aliases: new Map(),
      ciphertexts: new Map(),
    };
    const running = server;
    const workers = Array.from({ length: WORKERS }, (_, i) =>
      worker(running, expected, `c${cycle}w${i}`),
    );
    await new Promise((resolve) => setTimeout(resolve, 150 + random() * 450));
    const exit = await running.kill('SIGKILL');
    expect(exit.signal).toBe('SIGKILL');
    for (const count of await Promise.all(workers)) acknowledged += count;
    last = expected;
  }
  server = await spawnServer({ quota: 'off', data });
  checked += await verify(server, last!);
  expect(checked).toBeGreaterThan(CYCLES * WORKERS);
  console.log(
    `kill -9: ${CYCLES} cycles, ${acknowledged} answers acknowledged, ${checked} facts checked`,
  );
});
