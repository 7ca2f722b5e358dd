/** Break-evens: the file, the variable, what is measured and when. Timings are injected. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createNativeBackend } from '../../src/engine/backends/native.js';
import { loadNativeAddon } from '../../src/engine/backends/native-addon.js';
import {
  type BreakEven,
  BreakEvenBook,
  type BreakEvenControl,
  type BreakEvenOptions,
  readBreakEvens,
  userCacheDirectory,
  writeBreakEvens,
} from '../../src/engine/break-even.js';
import { createEngine } from '../../src/engine/engine.js';
import { nativeMissing } from './support.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keystrel-break-even-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const IDENTITY = 'a CPU | ifma | 1.0.0';
const NAMES = new Set(['p256-sign', 'p256-verify', 'rsa2048-private']);
const file = () => join(directory, 'break-even.json');
const row = (name: string, first: number, further = 1): BreakEven => ({ name, first, further });

/** A backend whose rows are in memory; `measure` answers what it is told. */
function control(answers: Readonly<Record<string, BreakEven>> = {}): BreakEvenControl {
  const rows = new Map([...NAMES].map((name) => [name, row(name, 2)]));
  return {
    identity: IDENTITY,
    rows: () => [...rows.values()],
    set: (to) => rows.has(to.name) && to.first <= 64 && rows.set(to.name, to) !== undefined,
    measure: (name) => answers[name],
  };
}

const AT_ONCE = { settleMs: 0, lookAgainMs: 1 };

function book(of: BreakEvenControl, options: Partial<BreakEvenOptions> = {}): BreakEvenBook {
  return new BreakEvenBook(of, { directory, measures: true, ...options });
}

/** Measures as a worker would: the row is set where it was measured. */
function measuring(of: BreakEvenControl, ms = 10) {
  return async (name: string) => {
    const measured = of.measure(name);
    if (measured !== undefined) of.set(measured);
    return { row: measured, ms };
  };
}

const MEASURED = {
  'p256-sign': row('p256-sign', 5, 3),
  'p256-verify': row('p256-verify', 0, 9),
  'rsa2048-private': row('rsa2048-private', 3, 3),
};

describe('the file', () => {
  test('goes round: what was measured once counts at the next start', async () => {
    const first = control(MEASURED);
    const measured = book(first);
    expect(measured.pending).toEqual([...NAMES]);
    await measured.measure(measuring(first), () => false, AT_ONCE);
    expect(measured.report().map(({ source }) => source)).toEqual(Array(3).fill('measured'));
    const second = control();
    const read = book(second);
    expect(read.pending).toEqual([]);
    expect(second.rows()).toEqual(Object.values(MEASURED));
    expect(read.report()).toEqual(
      Object.values(MEASURED).map((found) => ({ ...found, source: 'file' })),
    );
    expect(readdirSync(directory)).toEqual(['break-even.json']);
  });

  test.each([
    ['nothing', ''],
    ['no JSON', '{"identity":'],
    ['null', 'null'],
    ['another CPU', JSON.stringify({ identity: 'other', rows: { 'p256-sign': [4, 4] } })],
    ['no rows', JSON.stringify({ identity: IDENTITY })],
    ['an unknown row', JSON.stringify({ identity: IDENTITY, rows: { other: [4, 4] } })],
    ['a prototype', `{"identity":"${IDENTITY}","rows":{"__proto__":[4,4]}}`],
    ['one number', JSON.stringify({ identity: IDENTITY, rows: { 'p256-sign': [4] } })],
    ['a number too large', JSON.stringify({ identity: IDENTITY, rows: { 'p256-sign': [65, 1] } })],
    ['a fraction', JSON.stringify({ identity: IDENTITY, rows: { 'p256-sign': [4.5, 1] } })],
    ['text', JSON.stringify({ identity: IDENTITY, rows: { 'p256-sign': ['4', '4'] } })],
    [
      'one bad row of two',
      `{"identity":"${IDENTITY}","rows":{"p256-sign":[4,4],"p256-verify":[4,0]}}`,
    ],
    ['too long a file', JSON.stringify({ identity: IDENTITY, rows: {}, pad: 'x'.repeat(20_000) })],
  ])('with %s is as none, and is replaced', async (_what, content) => {
    writeFileSync(file(), content);
    expect(readBreakEvens(directory, IDENTITY, NAMES)).toBeUndefined();
    const of = control(MEASURED);
    const measured = book(of);
    expect(of.rows().map(({ first }) => first)).toEqual([2, 2, 2]);
    await measured.measure(measuring(of), () => false, AT_ONCE);
    expect(readBreakEvens(directory, IDENTITY, NAMES)).toEqual(Object.values(MEASURED));
  });

  test('that cannot be read or written changes nothing', async () => {
    mkdirSync(file());
    expect(readBreakEvens(directory, IDENTITY, NAMES)).toBeUndefined();
    expect(writeBreakEvens(directory, IDENTITY, Object.values(MEASURED))).toBe(false);
    expect(readdirSync(directory)).toEqual(['break-even.json']);
  });

  test('with some rows leaves the others to be measured', () => {
    writeBreakEvens(directory, IDENTITY, [MEASURED['p256-sign']]);
    expect(book(control()).pending).toEqual(['p256-verify', 'rsa2048-private']);
    expect(book(control(), { measures: false }).pending).toEqual([]);
  });

  test('is in the cache directory of the user without a data directory', () => {
    expect(userCacheDirectory({ XDG_CACHE_HOME: '/var/cache/me' })).toBe('/var/cache/me/keystrel');
    expect(userCacheDirectory({ XDG_CACHE_HOME: 'relative' })).toMatch(/\.cache\/keystrel$/);
    expect(userCacheDirectory({})).toMatch(/^\/.*\.cache\/keystrel$/);
  });
});

describe('measuring', () => {
  test('stops after 300 ms, and goes on at the next start', async () => {
    const of = control(MEASURED);
    const slow = book(of);
    await slow.measure(measuring(of, 200), () => false, AT_ONCE);
    expect(slow.pending).toEqual(['rsa2048-private']);
    expect(slow.report().map(({ source }) => source)).toEqual(['measured', 'measured', 'constant']);
    expect(book(control()).pending).toEqual(['rsa2048-private']);
  });

  test('waits while workers are busy, and ends when the engine closes', async () => {
    const of = control(MEASURED);
    const waiting = book(of);
    let looks = 0;
    const isBusy = () => {
      looks += 1;
      if (looks === 5) waiting.close();
      return true;
    };
    await waiting.measure(measuring(of), isBusy, AT_ONCE);
    expect([looks, waiting.pending.length]).toEqual([5, 3]);
    expect(readdirSync(directory)).toEqual([]);
  });

  test('leaves the constant of a row that fails, or of all after a dead worker', async () => {
    const of = control({ 'p256-verify': MEASURED['p256-verify'] });
    const failing = book(of);
    await failing.measure(measuring(of), () => false, AT_ONCE);
    expect(of.rows().map(({ first }) => first)).toEqual([2, 0, 2]);
    expect(readBreakEvens(directory, IDENTITY, NAMES)).toEqual([MEASURED['p256-verify']]);
    const dying = book(control());
    const dead = () => Promise.reject(new Error('a worker died'));
    await dying.measure(dead, () => false, AT_ONCE);
    expect(dying.report().map(({ source }) => source)).toEqual(['constant', 'file', 'constant']);
  });

  test('does not happen without rows, without a directory, or without a native backend', async () => {
    writeBreakEvens(directory, IDENTITY, Object.values(MEASURED));
    const never = () => Promise.reject(new Error('not to be called'));
    const generic: BreakEvenControl = { ...control(MEASURED), rows: () => [] };
    for (const none of [
      book(generic),
      book(control(MEASURED), { directory: undefined }),
      new BreakEvenBook(undefined, { directory, measures: true }),
    ]) {
      expect(none.pending).toEqual([]);
      await none.measure(never, () => false, AT_ONCE);
    }
    expect(book(generic).report()).toEqual([]);
  });
});

describe('KEYSTREL_BREAK_EVEN', () => {
  test('forces constants, a measurement, or rows', () => {
    writeBreakEvens(directory, IDENTITY, Object.values(MEASURED));
    const constants = control();
    expect(book(constants, { variable: 'constants' }).pending).toEqual([]);
    expect(constants.rows().map(({ first }) => first)).toEqual([2, 2, 2]);
    expect(book(control(), { variable: 'measure' }).pending).toEqual([...NAMES]);
    const given = control();
    const rows = book(given, { variable: 'p256-sign=12/4,p256-verify=never' });
    expect(given.rows()).toEqual([
      row('p256-sign', 12, 4),
      row('p256-verify', 0),
      MEASURED['rsa2048-private'],
    ]);
    expect(rows.report().map(({ source }) => source)).toEqual([
      'KEYSTREL_BREAK_EVEN',
      'KEYSTREL_BREAK_EVEN',
      'file',
    ]);
  });

  test.each(['p256', 'p256-sign=', 'p256-sign=4/12', 'other=4', 'p256-sign=65', 'a=1,,b=2'])(
    'of %s is refused',
    (variable) => {
      expect(() => book(control(), { variable })).toThrow(/KEYSTREL_BREAK_EVEN/);
    },
  );
});

describe.skipIf(nativeMissing !== undefined)('the addon', () => {
  test('has rows with bounded numbers, and refuses others', () => {
    const { addon } = loadNativeAddon('native');
    const of = createNativeBackend(addon!).breakEven!;
    const rows = of.rows();
    expect(of.identity).toContain(addon!.info().cpuClass);
    if (addon!.info().cpuClass === 'generic') {
      expect(rows).toEqual([]);
      expect(of.measure('p256-sign')).toBeUndefined();
      return;
    }
    expect(rows.length).toBeGreaterThan(20);
    for (const bad of [row('other', 4), row('p256-sign', 65), row('p256-sign', 4, 10)]) {
      expect(of.set(bad)).toBe(false);
    }
    expect(of.rows()).toEqual(rows);
    const measured = of.measure('p384-sign')!;
    expect(of.rows()).toContainEqual(measured);
    for (const before of rows) expect(of.set(before)).toBe(true);
  });

  test('is measured by a started engine, in its workers, and the file is there', async () => {
    const before = process.env.KEYSTREL_BREAK_EVEN;
    process.env.KEYSTREL_BREAK_EVEN = 'auto';
    const engine = await createEngine({ backend: 'native', threads: 2, cacheDirectory: directory });
    try {
      const { breakEvens } = engine.status();
      expect(breakEvens.every(({ source }) => source === 'constant')).toBe(true);
      if (breakEvens.length === 0) return;
      await expect
        .poll(() => readdirSync(directory), { timeout: 20_000 })
        .toEqual(['break-even.json']);
      const sources = engine.status().breakEvens.map(({ source }) => source);
      expect(sources).toContain('measured');
      const content = JSON.parse(readFileSync(file(), 'utf8'));
      expect(Object.keys(content.rows).length).toBe(
        sources.filter((source) => source === 'measured').length,
      );
    } finally {
      process.env.KEYSTREL_BREAK_EVEN = before;
      await engine.close();
    }
  });
});
