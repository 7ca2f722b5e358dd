/** Group commit, order, rotation, files and their repair, on a real file system. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createFileSink } from '../../src/audit/file-sink.js';
import { ManualClock } from '../../src/core/clock.js';
import { codeOf, logLines, logNames, nextTurn, openSink } from './support.js';

const record = (i: number, pad = '') => JSON.stringify({ i, pad });
const numbers = (directory: string) =>
  logLines(directory).map((line) => (JSON.parse(line) as { i: number }).i);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

/** The pid of a process that is gone. */
function gonePid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

describe.each(['write', 'fsync'] as const)('durability %s', (durability) => {
  test('lines of a turn go out in one write, in order, and are answered together', async () => {
    const { sink, calls, directory } = openSink({ durability });
    await sink.append(record(0));
    const before = calls.writes.length;
    const appended = upTo(50).map((i) => sink.append(record(i + 1)));
    expect(new Set(appended).size).toBe(1);
    await Promise.all(appended);
    expect(calls.writes.length - before).toBe(1);
    expect(numbers(directory)).toEqual(upTo(51));
  });

  test('what follows in the promises of one turn is still in its write', async () => {
    const { sink, calls, directory } = openSink({ durability });
    await sink.append(record(0));
    const before = calls.writes.length;
    const request = async (i: number) => {
      for (let step = 0; step < i; step++) await Promise.resolve();
      await sink.append(record(i));
    };
    await Promise.all(upTo(20).map((i) => request(i)));
    expect(calls.writes.length - before).toBe(1);
    expect(numbers(directory)).toHaveLength(21);
  });

  test('an accepted line is in the file', async () => {
    const { sink, calls, directory } = openSink({ durability });
    for (const i of upTo(5)) {
      await sink.append(record(i));
      expect(numbers(directory)).toEqual(upTo(i + 1));
      expect(calls.count('datasync')).toBe(durability === 'fsync' ? i + 1 : 0);
    }
  });

  test('rotation loses and splits nothing', async () => {
    const { sink, directory } = openSink({ durability, maxBytes: 4_000 });
    const pending: Promise<void>[] = [];
    for (const i of upTo(500)) {
      pending.push(sink.append(record(i, 'x'.repeat(i % 97))));
      if (i % 7 === 0) await Promise.all(pending);
    }
    await Promise.all(pending);
    await sink.close();
    expect(numbers(directory)).toEqual(upTo(500));
    const names = logNames(directory);
    expect(names.length).toBeGreaterThan(5);
    for (const name of names.slice(0, -1)) {
      expect(statSync(join(directory, name)).size).toBeGreaterThan(0);
      expect(statSync(join(directory, name)).size).toBeLessThanOrEqual(4_000);
    }
  });

  test('a group larger than a file, and than the scratch buffer, is whole', async () => {
    const { sink, directory } = openSink({ durability, maxBytes: 1_000 });
    await sink.append(record(0));
    const wide = 'w'.repeat(6_000);
    await Promise.all(upTo(200).map((i) => sink.append(record(i + 1, wide))));
    await sink.append(record(201));
    expect(numbers(directory)).toEqual(upTo(202));
    expect(logNames(directory)).toHaveLength(3);
    expect(JSON.parse(logLines(directory)[7]!)).toEqual({ i: 7, pad: wide });
  });

  test('close writes what waits, syncs, and refuses what comes later', async () => {
    const { sink, calls, directory } = openSink({ durability });
    await sink.append(record(0));
    const last = upTo(10).map((i) => sink.append(record(i + 1)));
    const closed = sink.close();
    expect(await codeOf(sink.append(record(99)))).toBe('CLOSED');
    expect(sink.healthy()).toBe(false);
    await Promise.all(last);
    await closed;
    await sink.close();
    expect(calls.log.slice(-2)).toEqual(['sync', 'close']);
    expect(numbers(directory)).toEqual(upTo(11));
  });

  test('a file that is removed is not written to for long', async () => {
    const clock = new ManualClock();
    const { sink, directory } = openSink({ durability, clock });
    await sink.append(record(0));
    rmSync(directory, { recursive: true });
    clock.advance(1_001);
    await sink.append(record(1));
    expect(numbers(directory)).toEqual([1]);
  });
});

test('fsync: lines that come while a group is in flight make the next one', async () => {
  const { sink, calls, directory } = openSink({ durability: 'fsync' });
  await sink.append(record(0));
  let release!: () => void;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  calls.gate = (call) => (call === 'datasync' ? held : Promise.resolve());
  let accepted = 0;
  const pending: Promise<void>[] = [];
  const add = (i: number) => pending.push(sink.append(record(i)).then(() => void accepted++));
  add(1);
  await nextTurn();
  for (let i = 2; i <= 40; i++) {
    add(i);
    if (i % 5 === 0) await nextTurn();
  }
  expect(accepted).toBe(0);
  expect(calls.count('datasync')).toBe(1);
  release();
  await Promise.all(pending);
  expect(calls.count('datasync')).toBe(3);
  expect(numbers(directory)).toEqual(upTo(41));
});

test('write: once open, groups are written on the event loop', async () => {
  const { sink, calls } = openSink();
  await sink.append(record(0));
  expect(calls.count('write')).toBe(1);
  for (const i of upTo(10)) await sink.append(record(i));
  expect(calls.count('write')).toBe(1);
  expect(calls.count('writeSync')).toBe(10);
});

test('write: after a slow write, threads do it for a while', async () => {
  const clock = new ManualClock();
  const { sink, calls } = openSink({ clock });
  await sink.append(record(0));
  calls.fail = (call) => {
    if (call === 'writeSync') clock.advance(21);
    return undefined;
  };
  await sink.append(record(1));
  await sink.append(record(2));
  await sink.append(record(3));
  expect(calls.count('writeSync')).toBe(1);
  expect(calls.count('write')).toBe(3);
  clock.advance(10_001);
  await sink.append(record(4));
  expect(calls.count('writeSync')).toBe(2);
});

describe('files', () => {
  test('are named by time, process and number, and are the owner’s alone', async () => {
    const clock = new ManualClock(Date.UTC(2026, 10, 24, 18, 15, 0));
    const { sink, directory } = openSink({ clock, maxBytes: 10 });
    await sink.append(record(0));
    await sink.append(record(1));
    const names = logNames(directory);
    expect(names).toHaveLength(2);
    for (const [i, name] of names.entries()) {
      expect(name).toMatch(
        new RegExp(
          `^keystrel-audit-20261124T181500Z-${process.pid}-[0-9a-f]{8}-000${i + 1}.jsonl$`,
        ),
      );
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
    }
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(basename(sink.currentPath()!)).toBe(names[1]);
  });

  test('there is none before the first record', async () => {
    const { sink, directory } = openSink();
    expect(sink.currentPath()).toBeUndefined();
    expect(sink.healthy()).toBe(true);
    await sink.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  test('several sinks share a directory, each with files of its own', async () => {
    const { sink, another, directory } = openSink({ maxBytes: 2_000 });
    const sinks = [sink, another(), another({ durability: 'fsync' })];
    await Promise.all(
      upTo(300).map(async (i) => {
        if (i % 10 === 0) await nextTurn();
        await sinks[i % 3]!.append(record(i));
      }),
    );
    await Promise.all(sinks.map((each) => each.close()));
    expect(numbers(directory).sort((a, b) => a - b)).toEqual(upTo(300));
  });

  test('a directory that cannot be made is told at the start', () => {
    const { directory } = openSink();
    writeFileSync(join(directory, 'file'), '');
    const inside = join(directory, 'file', 'log');
    expect(() => createFileSink({ directory: inside, durability: 'write' })).toThrow(/ENOTDIR/);
  });
});

describe('after a crash', () => {
  const name = (pid: number, n = 1) =>
    `keystrel-audit-20250101T000000Z-${pid}-0badcafe-000${n}.jsonl`;

  test('a torn last line is moved aside, whole lines stay, new records have a new file', async () => {
    const { directory, another } = openSink();
    mkdirSync(directory, { recursive: true });
    const path = join(directory, name(gonePid()));
    const torn = `{"i":2,"pad":"${'y'.repeat(200_000)}`;
    writeFileSync(path, `${record(0)}\n${record(1)}\n${torn}`);
    const sink = another();
    expect(readFileSync(path, 'utf8')).toBe(`${record(0)}\n${record(1)}\n`);
    expect(readFileSync(`${path}.torn`, 'utf8')).toBe(torn);
    expect(statSync(`${path}.torn`).mode & 0o777).toBe(0o600);
    await sink.append(record(2));
    expect(sink.currentPath()).not.toBe(path);
    expect(numbers(directory)).toEqual([0, 1, 2]);
  });

  test('a file that is one torn line is emptied; whole and empty files are left alone', () => {
    const { directory, another } = openSink();
    const pid = gonePid();
    writeFileSync(join(directory, name(pid, 1)), '{"i":');
    writeFileSync(join(directory, name(pid, 2)), `${record(0)}\n`);
    writeFileSync(join(directory, name(pid, 3)), '');
    writeFileSync(join(directory, 'notes.jsonl'), 'half');
    another();
    expect(readFileSync(join(directory, name(pid, 1)), 'utf8')).toBe('');
    expect(readFileSync(join(directory, name(pid, 2)), 'utf8')).toBe(`${record(0)}\n`);
    expect(readdirSync(directory).filter((each) => each.endsWith('.torn'))).toEqual([
      `${name(pid, 1)}.torn`,
    ]);
    expect(readFileSync(join(directory, 'notes.jsonl'), 'utf8')).toBe('half');
  });

  test('files of a living process are not touched; one of its own pid’s predecessor is', () => {
    const { directory, another } = openSink();
    const living = join(directory, name(process.ppid));
    const predecessor = join(directory, name(process.pid));
    writeFileSync(living, '{"half":');
    writeFileSync(predecessor, '{"half":');
    another();
    expect(readFileSync(living, 'utf8')).toBe('{"half":');
    expect(existsSync(`${living}.torn`)).toBe(false);
    expect(readFileSync(predecessor, 'utf8')).toBe('');
  });

  test('the probe of a process that is gone is removed', () => {
    const { directory, another } = openSink();
    const stale = join(directory, `keystrel-audit-probe-${gonePid()}-0badcafe`);
    writeFileSync(stale, 'x');
    another();
    expect(existsSync(stale)).toBe(false);
  });
});
