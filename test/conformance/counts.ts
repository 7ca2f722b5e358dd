/** How many cases of the conformance tests each operation has had; printed by each of them. */
const counts = new Map<string, number>();

export function count(operation: string, cases = 1): void {
  counts.set(operation, (counts.get(operation) ?? 0) + cases);
}

/** Prints the counts, by operation, and gives their sum. */
export function printCounts(what: string): number {
  const rows = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  const total = rows.reduce((sum, [, cases]) => sum + cases, 0);
  const text = rows.map(([name, cases]) => `  ${name.padEnd(38)}${String(cases).padStart(6)}`);
  console.log([`${what}: ${total} cases`, ...text].join('\n'));
  return total;
}
