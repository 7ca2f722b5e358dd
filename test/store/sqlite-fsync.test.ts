/**
 * SQLite: that an acknowledged change was fsynced, and what a failing fsync does, seen from below:
 * a library in front of the C library counts the calls and fails them at will.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.js';

const directory = mkdtempSync(join(tmpdir(), 'keystrel-fsync-'));
const library = join(directory, 'failing-fsync.so');
const countFile = join(directory, 'count');
const failFile = join(directory, 'fail');
const path = join(directory, 'keystrel.db');
afterAll(() => rmSync(directory, { recursive: true }));

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Compiled before the tests are collected, so that the reason of a skip is printed. */
const compiled = ((): boolean => {
  if (process.platform !== 'linux') {
    console.log('no test of fsync: LD_PRELOAD is for Linux');
    return false;
  }
  try {
    const args = ['-shared', '-fPIC', '-o', library, here('failing-fsync.c'), '-ldl'];
    execFileSync('cc', args, { stdio: 'pipe' });
    return true;
  } catch (error) {
    console.log(`no test of fsync: ${(error as Error).message}`);
    return false;
  }
})();

interface Child {
  /** Inserts a fact of this name; gives the child's answer. */
  insert(name: string): Promise<string>;
  kill(): Promise<void>;
}

async function startChild(): Promise<Child> {
  writeFileSync(countFile, Buffer.alloc(8));
  const child = spawn(process.execPath, [here('line-writer.mjs'), path], {
    env: { ...process.env, LD_PRELOAD: library, FSYNC_COUNT: countFile, FSYNC_FAIL: failFile },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  const line = async () => ((await once(lines, 'line')) as [string])[0];
  expect(await line()).toBe('open');
  return {
    insert(name) {
      const answer = line();
      child.stdin.write(`${name}\n`);
      return answer;
    },
    async kill() {
      const gone = once(child, 'close');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

const fsyncs = () => Number(readFileSync(countFile).readBigUInt64LE());

test.skipIf(!compiled)('each acknowledged change was fsynced; a failed fsync is told', async () => {
  const child = await startChild();
  for (let i = 0; i < 20; i += 1) {
    const before = fsyncs();
    expect(await child.insert(`sound ${i}`)).toBe('done; stored: true');
    expect(fsyncs()).toBeGreaterThan(before);
  }
  writeFileSync(failFile, '');
  for (let i = 0; i < 3; i += 1) {
    expect(await child.insert(`failed ${i}`)).toMatch(
      /^UNAVAILABLE .*SQLITE_IOERR_FSYNC.*stored: false$/,
    );
  }
  rmSync(failFile);
  expect(await child.insert('failed 0')).toBe('done; stored: true');
  await child.kill();

  const store = createSqliteStore({ path });
  await store.open();
  for (let i = 0; i < 20; i += 1) expect(await store.getMeta(`sound ${i}`)).toBe('value');
  expect(await store.getMeta('failed 0')).toBe('value');
  // Written over by the change that succeeded after them.
  expect(await store.getMeta('failed 1')).toBeUndefined();
  await store.close();
});
