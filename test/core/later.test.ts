/** Later: at once where a promise would wait, and otherwise as a promise. */
import { describe, expect, it, vi } from 'vitest';
import { Later, mapped, settled } from '../../src/core/later.js';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('a Later', () => {
  it('calls back when it settles, before resolve returns, in order', () => {
    const later = new Later<number>();
    const seen: unknown[] = [];
    const fail = () => seen.push('failed');
    later.done('a', (value, context) => seen.push([context, value]), fail);
    later.done('b', (value, context) => seen.push([context, value]), fail);
    later
      .then((value) => value + 1)
      .done('c', (value, context) => seen.push([context, value]), fail);
    expect(seen).toEqual([]);
    later.resolve(1);
    expect(seen).toEqual([
      ['a', 1],
      ['b', 1],
      ['c', 2],
    ]);
    later.done('d', (value, context) => seen.push([context, value]), fail);
    expect(seen.at(-1)).toEqual(['d', 1]);
  });

  it('settles once', async () => {
    const later = new Later<number>();
    later.resolve(1);
    later.resolve(2);
    later.reject(new Error('late'));
    expect(await later).toBe(1);
  });

  it('passes errors on, and what callbacks throw', async () => {
    const later = new Later<number>();
    const after = later.then(() => 1);
    const caught = later.catch((error: unknown) => (error as Error).message);
    const thrown = later.then(undefined, () => {
      throw new Error('other');
    });
    later.reject(new Error('first'));
    await expect(after).rejects.toThrow('first');
    expect(await caught).toBe('first');
    await expect(thrown).rejects.toThrow('other');
    await expect(later.finally(() => undefined)).rejects.toThrow('first');
  });

  it('follows what callbacks return, of either kind', async () => {
    const inner = new Later<number>();
    const outer = new Later<number>();
    const chained = outer.then(() => inner).then((value) => Promise.resolve(value * 2));
    outer.resolve(0);
    inner.resolve(21);
    expect(await chained).toBe(42);
    const failing = outer.then(() => Promise.reject(new Error('inner')));
    await expect(failing).rejects.toThrow('inner');
  });

  it('works with await, Promise.all and Promise.allSettled', async () => {
    const one = new Later<number>();
    const two = new Later<number>();
    const all = Promise.allSettled([one, two, Promise.resolve(3)]);
    one.resolve(1);
    two.reject(new Error('two'));
    const [first, second, third] = await all;
    expect(first).toEqual({ status: 'fulfilled', value: 1 });
    expect(second.status).toBe('rejected');
    expect(third).toEqual({ status: 'fulfilled', value: 3 });
  });

  it('reports an error that nobody takes up, and only such', async () => {
    const unhandled = vi.fn();
    const listeners = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', unhandled);
    try {
      const lost = new Error('lost');
      new Later<number>().reject(lost);
      const taken = new Later<number>();
      taken.reject(new Error('taken'));
      await expect(taken).rejects.toThrow('taken');
      await nextTurn();
      await nextTurn();
      expect(unhandled.mock.calls.map(([error]) => error)).toEqual([lost]);
    } finally {
      process.removeAllListeners('unhandledRejection');
      for (const listener of listeners) process.on('unhandledRejection', listener);
    }
  });
});

describe.each(['Later', 'Promise'])('settled and mapped with a %s', (kind) => {
  const settledWith = (value: number | Error): Promise<number> => {
    if (kind === 'Promise') {
      return value instanceof Error ? Promise.reject(value) : Promise.resolve(value);
    }
    const later = new Later<number>();
    if (value instanceof Error) later.reject(value);
    else later.resolve(value);
    return later;
  };

  it('give the outcome and the context', async () => {
    const seen: unknown[] = [];
    const note = (outcome: unknown, context: string) => seen.push([outcome, context]);
    const error = new Error('no');
    settled(settledWith(7), 'a', note, note);
    settled(settledWith(error), 'b', note, note);
    await nextTurn();
    expect(seen).toEqual([
      [7, 'a'],
      [error, 'b'],
    ]);
    const name = (outcome: unknown, context: string) => `${context}: ${String(outcome)}`;
    expect(await mapped(settledWith(7), 'a', name, name)).toBe('a: 7');
    expect(await mapped(settledWith(error), 'b', name, name)).toBe('b: Error: no');
  });
});
