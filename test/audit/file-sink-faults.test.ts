/** Every system call of the log failing: refused at once, nothing cut in two, service again. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import type { FileCalls } from '../../src/audit/file-calls.js';
import { mountSmallDisk } from '../faults/full-disk.js';
import { codeOf, logLines, nextTurn, openSink, until } from './support.js';

const record = (i: number, pad = '') => JSON.stringify({ i, pad });
const numbers = (directory: string) =>
  logLines(directory).map((line) => (JSON.parse(line) as { i: number }).i);

/** Fails each of `calls` with the code while `on` is true. */
function faults(code: string, ...calls: (keyof FileCalls)[]) {
  const state = { on: true };
  const fail = (call: keyof FileCalls) => (state.on && calls.includes(call) ? code : undefined);
  return { state, fail };
}

const WRITES: (keyof FileCalls)[] = ['write', 'writeSync'];

describe.each(['write', 'fsync'] as const)('durability %s', (durability) => {
  test('a failed write: its group and what waits are rejected, then all at once, then service', async () => {
    const { sink, calls, directory } = openSink({ durability });
    await sink.append(record(0));
    const { state, fail } = faults('ENOSPC', ...WRITES);
    calls.fail = fail;
    const group = [1, 2, 3].map((i) => codeOf(sink.append(record(i))));
    expect(await Promise.all(group)).toEqual(['ENOSPC', 'ENOSPC', 'ENOSPC']);
    expect(sink.healthy()).toBe(false);
    const writes = calls.writes.length;
    const refused = Array.from({ length: 100 }, (_, i) => codeOf(sink.append(record(i))));
    expect(new Set(await Promise.all(refused))).toEqual(new Set(['ENOSPC']));
    // Refused without asking the disk each time.
    expect(calls.writes.length).toBe(writes);
    // Probes go on, and fail.
    await until(() => calls.writes.length >= writes + 2);
    expect(sink.healthy()).toBe(false);
    state.on = false;
    await until(() => sink.healthy());
    await sink.append(record(4));
    expect(numbers(directory)).toEqual([0, 4]);
    expect(readdirSync(directory)).toHaveLength(1);
  });

  test('what waits for a group in flight is rejected with it', async () => {
    const { sink, calls, directory } = openSink({ durability });
    const { state, fail } = faults('EIO', 'open');
    let release!: () => void;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    calls.gate = (call) => (call === 'open' ? held : Promise.resolve());
    calls.fail = fail;
    const first = codeOf(sink.append(record(0)));
    await nextTurn();
    const waiting = codeOf(sink.append(record(1)));
    release();
    expect([await first, await waiting]).toEqual(['EIO', 'EIO']);
    state.on = false;
    await until(() => sink.healthy());
    await sink.append(record(2));
    expect(numbers(directory)).toEqual([2]);
  });

  test('a write that ends half-way is cut back', async () => {
    const { sink, calls, directory } = openSink({ durability });
    await sink.append(record(0));
    let halves = 0;
    for (const call of ['write', 'writeSync'] as const) {
      const whole = calls[call].bind(calls);
      calls[call] = ((fd: number, bytes: Buffer, offset: number, length: number) => {
        if (halves === 1) {
          halves++;
          throw Object.assign(new Error('full'), { code: 'ENOSPC' });
        }
        if (halves++ === 0) return whole(fd, bytes, offset, Math.ceil(length / 2));
        return whole(fd, bytes, offset, length);
      }) as never;
    }
    expect(await codeOf(sink.append(record(1, 'x'.repeat(500))))).toBe('ENOSPC');
    expect(calls.count('truncateSync')).toBe(1);
    expect(numbers(directory)).toEqual([0]);
    await until(() => sink.healthy());
    await sink.append(record(2));
    expect(numbers(directory)).toEqual([0, 2]);
  });

  test('a short write that is no failure is continued', async () => {
    const { sink, calls, directory } = openSink({ durability });
    for (const call of ['write', 'writeSync'] as const) {
      const whole = calls[call].bind(calls);
      calls[call] = ((fd: number, bytes: Buffer, offset: number, length: number) =>
        whole(fd, bytes, offset, Math.min(length, 7))) as never;
    }
    await sink.append(record(0));
    await Promise.all([1, 2, 3].map((i) => sink.append(record(i, 'x'.repeat(50)))));
    expect(numbers(directory)).toEqual([0, 1, 2, 3]);
  });

  test('a file that cannot be cut back is left for a new one', async () => {
    const { sink, calls, directory } = openSink({ durability });
    await sink.append(record(0));
    const first = sink.currentPath();
    const { state, fail } = faults('EIO', ...WRITES, 'truncateSync');
    calls.fail = fail;
    expect(await codeOf(sink.append(record(1)))).toBe('EIO');
    state.on = false;
    await until(() => sink.healthy());
    await sink.append(record(2));
    expect(sink.currentPath()).not.toBe(first);
    expect(numbers(directory)).toEqual([0, 2]);
  });

  test('close while nothing can be written ends', async () => {
    const { sink, calls, directory } = openSink({ durability });
    await sink.append(record(0));
    calls.fail = faults('ENOSPC', ...WRITES).fail;
    const last = codeOf(sink.append(record(1)));
    await sink.close();
    expect(await last).toBe('ENOSPC');
    expect(numbers(directory)).toEqual([0]);
  });

  test('what waits is bounded', async () => {
    const { sink, directory } = openSink({ durability, queueMax: 1_000 });
    const appended = Array.from({ length: 30 }, (_, i) =>
      codeOf(sink.append(record(i, 'x'.repeat(100)))),
    );
    const outcomes = await Promise.all(appended);
    const accepted = outcomes.filter((outcome) => outcome === 'accepted').length;
    expect(accepted).toBe(8);
    expect(new Set(outcomes.slice(accepted))).toEqual(new Set(['QUEUE_FULL']));
    expect(sink.healthy()).toBe(true);
    await sink.append(record(99));
    expect(numbers(directory)).toHaveLength(accepted + 1);
  });
});

test('a failed fdatasync: rejected, and its file is never added to again', async () => {
  const { sink, calls, directory } = openSink({ durability: 'fsync' });
  await sink.append(record(0));
  const first = sink.currentPath()!;
  const before = readFileSync(first, 'utf8');
  const { state, fail } = faults('EIO', 'datasync');
  calls.fail = fail;
  expect(await codeOf(sink.append(record(1)))).toBe('EIO');
  expect(sink.healthy()).toBe(false);
  state.on = false;
  await until(() => sink.healthy());
  await sink.append(record(2));
  expect(sink.currentPath()).not.toBe(first);
  // The refused record may have reached the file: more is told than was done, never less.
  expect(readFileSync(first, 'utf8').startsWith(before)).toBe(true);
  expect(numbers(directory).filter((i) => i !== 1)).toEqual([0, 2]);
});

test('a new file counts only once its directory is synced', async () => {
  const { sink, calls, directory } = openSink({ durability: 'fsync' });
  const { state, fail } = faults('EIO', 'sync');
  calls.fail = fail;
  expect(await codeOf(sink.append(record(0)))).toBe('EIO');
  state.on = false;
  await until(() => sink.healthy());
  await sink.append(record(1));
  expect(numbers(directory)).toEqual([1]);
});

test('a sync that fails at the end is told', async () => {
  const { sink, calls } = openSink();
  await sink.append(record(0));
  calls.fail = faults('EIO', 'sync').fail;
  await expect(sink.close()).rejects.toMatchObject({ name: 'AuditWriteError', code: 'EIO' });
});

test('a write that hangs: clients are refused after 5 s, and it may still come back', async () => {
  const { sink, calls, directory } = openSink({ durability: 'fsync' });
  await sink.append(record(0));
  let release!: () => void;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  calls.gate = (call) => (call === 'datasync' ? held : Promise.resolve());
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const first = codeOf(sink.append(record(1)));
    await nextTurn();
    const waiting = codeOf(sink.append(record(2)));
    vi.advanceTimersByTime(4_999);
    expect(sink.healthy()).toBe(true);
    vi.advanceTimersByTime(1);
    expect([await first, await waiting]).toEqual(['STALLED', 'STALLED']);
    expect(sink.healthy()).toBe(false);
    expect(await codeOf(sink.append(record(3)))).toBe('STALLED');
    // No probe: the thread that hangs would hang it as well, and the answer is still to come.
    vi.advanceTimersByTime(60_000);
    expect(sink.healthy()).toBe(false);
  } finally {
    vi.useRealTimers();
  }
  release();
  await until(() => sink.healthy());
  await sink.append(record(4));
  expect(numbers(directory)).toEqual([0, 1, 4]);
});

test.each([0, 1])(
  'close does not wait for a write that hangs, begun %d turns ago',
  async (turns) => {
    const { sink, calls } = openSink({ durability: 'fsync' });
    await sink.append(record(0));
    calls.gate = (call) => (call === 'datasync' ? new Promise(() => undefined) : Promise.resolve());
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const hanging = codeOf(sink.append(record(1)));
      for (let turn = 0; turn < turns; turn++) await nextTurn();
      const closed = sink.close();
      await nextTurn();
      vi.advanceTimersByTime(5_000);
      expect(await hanging).toBe('STALLED');
      await closed;
    } finally {
      vi.useRealTimers();
    }
  },
);

const disk = mountSmallDisk(1);
afterAll(() => disk?.unmount());

describe.skipIf(disk === undefined)('a disk that is really full', () => {
  test.each(['write', 'fsync'] as const)('durability %s', async (durability) => {
    const directory = join(disk!.path, `audit-${durability}`);
    const { sink } = openSink({ durability, directory });
    await sink.append(record(0));
    disk!.fill();
    const accepted = [0];
    let refused = 0;
    for (let i = 1; refused === 0; i++) {
      const outcome = await codeOf(sink.append(record(i, 'x'.repeat(i % 300))));
      if (outcome === 'accepted') accepted.push(i);
      else refused++;
    }
    expect(sink.healthy()).toBe(false);
    expect(numbers(directory)).toEqual(accepted);
    disk!.empty();
    await until(() => sink.healthy());
    await sink.append(record(1_000_000));
    await sink.close();
    expect(numbers(directory)).toEqual([...accepted, 1_000_000]);
  });
});
