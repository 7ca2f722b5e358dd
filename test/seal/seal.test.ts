/** Both seals over each backend's vault: files of one open with the other. */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { handleGeneration, type KeyHandle } from '../../src/core/key-handle.js';
import { createNativeBackend } from '../../src/engine/backends/native.js';
import { loadNativeAddon } from '../../src/engine/backends/native-addon.js';
import { createNodeBackend } from '../../src/engine/backends/node.js';
import { createFileSeal } from '../../src/seal/file/file-seal.js';
import { createPassphraseSeal } from '../../src/seal/passphrase/passphrase-seal.js';
import type { RootVault, Seal } from '../../src/seal/port.js';

const PASSPHRASE = 'correct horse battery staple';
const VARIABLE = 'KEYSTREL_TEST_PASSPHRASE';

const vaults: [string, RootVault][] = [
  ['node', createNodeBackend({ prefer: 'node', why: 'a test' }).vault],
];
const native = loadNativeAddon('native');
if (native.addon === undefined) console.log(`native vault not tested: ${native.reason}`);
else vaults.push(['native', createNativeBackend(native.addon).vault]);

let directory: string;
let keyPath: string;
let passphrasePath: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keystrel-seal-'));
  keyPath = join(directory, 'root.key');
  passphrasePath = join(directory, 'passphrase');
  writeFileSync(passphrasePath, `${PASSPHRASE}\n`, { mode: 0o600 });
  process.env[VARIABLE] = PASSPHRASE;
});
afterEach(() => {
  delete process.env[VARIABLE];
  rmSync(directory, { recursive: true });
});

const kinds = {
  file: (vault: RootVault): Seal => createFileSeal(vault, keyPath),
  passphrase: (vault: RootVault): Seal =>
    createPassphraseSeal(vault, keyPath, { kind: 'file', path: passphrasePath }),
};
type Kind = keyof typeof kinds;

function isKey(handle: KeyHandle): boolean {
  return Number.isSafeInteger(handle) && handleGeneration(handle) >= 1;
}

/** The message of a refusal, which must not hold the passphrase nor any part of the file. */
async function refusal(work: Promise<unknown>, secrets: readonly Buffer[] = []): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Error);
  const told = `${(error as Error).message} ${(error as Error).stack} ${JSON.stringify(error)}`;
  expect(told).not.toContain(PASSPHRASE);
  for (const secret of secrets) {
    for (const form of ['hex', 'base64', 'latin1'] as const) {
      expect(told).not.toContain(secret.toString(form));
    }
  }
  return (error as Error).message;
}

describe.each(vaults)('seals over the %s vault', (_name, vault) => {
  describe.each(Object.keys(kinds) as Kind[])('%s', (kind) => {
    test('creates a root key for its owner alone, and opens it again', async () => {
      const seal = kinds[kind](vault);
      expect(seal.kind).toBe(kind);
      expect(isKey(await seal.create())).toBe(true);
      expect(statSync(keyPath).mode & 0o777).toBe(0o600);
      expect(isKey(await seal.open())).toBe(true);
      expect(isKey(await kinds[kind](vault).open())).toBe(true);
    });

    test('refuses to create where a root key is, and leaves it alone', async () => {
      const seal = kinds[kind](vault);
      await seal.create();
      const before = readFileSync(keyPath);
      expect(await refusal(seal.create())).toBe(`${keyPath}: a root key is there already`);
      expect(readFileSync(keyPath).equals(before)).toBe(true);
    });

    test('refuses to open where none is', async () => {
      expect(await refusal(kinds[kind](vault).open())).toBe(`${keyPath}: there is no root key`);
    });

    test('cannot create in a directory that is absent', async () => {
      keyPath = join(directory, 'absent', 'root.key');
      expect(await refusal(kinds[kind](vault).create())).toContain(keyPath);
    });

    test.each([0o640, 0o604, 0o620, 0o602, 0o660])('refuses mode %o', async (mode) => {
      const seal = kinds[kind](vault);
      await seal.create();
      chmodSync(keyPath, mode);
      expect(await refusal(seal.open(), [readFileSync(keyPath).subarray(8)])).toMatch(/0600/);
    });

    test('refuses a file cut short, one too long, an empty one and a foreign one', async () => {
      const seal = kinds[kind](vault);
      await seal.create();
      const sound = readFileSync(keyPath);
      const damaged = [
        sound.subarray(0, sound.length - 1),
        Buffer.concat([sound, Buffer.of(0)]),
        Buffer.alloc(0),
        randomBytes(sound.length),
      ];
      for (const bytes of damaged) {
        truncateSync(keyPath);
        writeFileSync(keyPath, bytes);
        expect(await refusal(seal.open())).toMatch(/damaged/);
      }
      writeFileSync(keyPath, sound);
      expect(isKey(await seal.open())).toBe(true);
    });

    test('refuses the other kind of file', async () => {
      const other: Kind = kind === 'file' ? 'passphrase' : 'file';
      await kinds[other](vault).create();
      expect(await refusal(kinds[kind](vault).open())).toMatch(/damaged, or sealed in another way/);
    });
  });

  test('file: any flipped bit is refused', async () => {
    const seal = kinds.file(vault);
    await seal.create();
    const sound = readFileSync(keyPath);
    for (let bit = 0; bit < sound.length * 8; bit += 1) {
      const bytes = Buffer.from(sound);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      writeFileSync(keyPath, bytes);
      expect(await refusal(seal.open(), [sound.subarray(8, 40)])).toMatch(/damaged/);
    }
  });

  test('passphrase: a flipped bit in salt, IV, key and tag is refused', async () => {
    const seal = kinds.passphrase(vault);
    await seal.create();
    const sound = readFileSync(keyPath);
    for (const at of [20, 35, 36, 47, 48, 79, 80, 95]) {
      const bytes = Buffer.from(sound);
      bytes[at]! ^= 0x10;
      writeFileSync(keyPath, bytes);
      expect(await refusal(seal.open())).toMatch(/passphrase is wrong, or the file is damaged/);
    }
  });

  test('passphrase: a forged file cannot ask for endless work', async () => {
    const seal = kinds.passphrase(vault);
    await seal.create();
    const sound = readFileSync(keyPath);
    for (const at of [8, 12, 16]) {
      const bytes = Buffer.from(sound);
      bytes.writeUInt32LE(0xffff_ffff, at);
      writeFileSync(keyPath, bytes);
      expect(await refusal(seal.open())).not.toBe('');
    }
  });

  test('passphrase: a wrong one is refused and not told', async () => {
    await kinds.passphrase(vault).create();
    const wrong = 'Correct horse battery staple';
    writeFileSync(passphrasePath, wrong);
    const message = await refusal(kinds.passphrase(vault).open(), [Buffer.from(wrong)]);
    expect(message).toBe(`${keyPath}: the passphrase is wrong, or the file is damaged`);
  });

  test('passphrase: from a file or from the environment, they are the same', async () => {
    await kinds.passphrase(vault).create();
    const fromEnvironment = createPassphraseSeal(vault, keyPath, { kind: 'env', name: VARIABLE });
    expect(isKey(await fromEnvironment.open())).toBe(true);
    process.env[VARIABLE] = 'another passphrase';
    expect(await refusal(fromEnvironment.open(), [Buffer.from('another passphrase')])).toMatch(
      /passphrase is wrong/,
    );
    delete process.env[VARIABLE];
    expect(await refusal(fromEnvironment.open())).toBe(
      `environment variable ${VARIABLE} is not set`,
    );
  });

  test('passphrase: a short one and an absent one make no root key', async () => {
    writeFileSync(passphrasePath, 'short\n');
    expect(await refusal(kinds.passphrase(vault).create())).toBe(
      'the passphrase is shorter than 12 bytes',
    );
    rmSync(passphrasePath);
    expect(await refusal(kinds.passphrase(vault).create())).toContain(passphrasePath);
    expect(await refusal(kinds.passphrase(vault).open())).toContain(keyPath);
  });
});

describe.skipIf(native.addon === undefined)('between backends', () => {
  test.each(Object.keys(kinds) as Kind[])('%s: what one made the other opens', async (kind) => {
    const both = vaults.map(([, vault]) => vault);
    for (const [maker, opener] of [both, both.toReversed()]) {
      await kinds[kind](maker!).create();
      expect(isKey(await kinds[kind](opener!).open())).toBe(true);
      rmSync(keyPath);
    }
  });
});
