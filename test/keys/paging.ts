/**
 * A client that pages while rows come and go, for any list: what is there all the time is given
 * exactly once, nothing is given twice, and nothing that never was there.
 */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Page } from '../../src/keys/service.js';

/** A list under test, with its rows by name. */
export interface PagedList {
  page(limit: number, marker: string | undefined): Promise<Page<string>>;
  /** Makes a row and gives its name. */
  add(): Promise<string>;
  /** Undefined where rows only come. */
  readonly remove: ((name: string) => Promise<void>) | undefined;
}

/** Between two pages: how many rows are added, and which (by position) are removed. */
interface Interlude {
  readonly added: number;
  readonly removed: readonly number[];
}

const interlude = fc.record({
  added: fc.integer({ min: 0, max: 3 }),
  removed: fc.array(fc.nat(), { maxLength: 3 }),
});

async function pageThrough(
  list: PagedList,
  first: number,
  limit: number,
  script: readonly Interlude[],
): Promise<void> {
  const now = new Set<string>();
  const ever = new Set<string>();
  const throughout = new Set<string>();
  for (let i = 0; i < first; i += 1) throughout.add(await list.add());
  for (const name of throughout) {
    now.add(name);
    ever.add(name);
  }
  const seen: string[] = [];
  let marker: string | undefined;
  for (let step = 0; ; step += 1) {
    const page = await list.page(limit, marker);
    expect(page.items.length).toBeLessThanOrEqual(limit);
    seen.push(...page.items);
    marker = page.nextMarker;
    if (marker === undefined) break;
    const { added, removed } = script[step] ?? { added: 0, removed: [] };
    for (let i = 0; i < added; i += 1) {
      const name = await list.add();
      now.add(name);
      ever.add(name);
    }
    for (const position of removed) {
      const name = [...now][position % Math.max(1, now.size)];
      if (name === undefined || list.remove === undefined) continue;
      await list.remove(name);
      now.delete(name);
      throughout.delete(name);
    }
  }
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.filter((name) => !ever.has(name))).toEqual([]);
  expect([...throughout].filter((name) => !seen.includes(name))).toEqual([]);
  for (const name of now) await list.remove?.(name);
}

/** `make` gives an empty list. Prints its seed and takes SEED=. */
export async function expectStablePages(make: () => Promise<PagedList>, runs = 20): Promise<void> {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`SEED=${seed}`);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 12 }),
      fc.integer({ min: 1, max: 5 }),
      fc.array(interlude, { maxLength: 8 }),
      async (first, limit, script) => pageThrough(await make(), first, limit, script),
    ),
    { seed, numRuns: runs },
  );
}
