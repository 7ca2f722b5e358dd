/** `keystrel status`: starts an engine with its self-test, and shows what it chose and why. */
import type { Config } from '../core/config.js';
import { userCacheDirectory } from '../engine/break-even.js';
import { createEngine } from '../engine/engine.js';
import type { EngineReport } from '../engine/port.js';

export async function runStatus(config: Config, json: boolean): Promise<void> {
  const cacheDirectory = config.data ?? userCacheDirectory();
  // It shows what a server has measured here, and measures nothing itself.
  const engine = await createEngine({ ...config.engine, cacheDirectory, measures: false });
  try {
    const report = engine.status();
    process.stdout.write(json ? `${JSON.stringify(report)}\n` : statusText(report));
    // An algorithm that nothing can serve is a fault of this installation.
    if (report.algorithms.some((row) => row.backend === 'none')) process.exitCode = 1;
  } finally {
    await engine.close();
  }
}

/** Columns as wide as their widest cell. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_cell, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** The report for people. */
export function statusText(report: EngineReport): string {
  const facts = [
    ['cpu', report.cpu],
    ['class', report.cpuClass],
    ['dispatch', report.dispatch],
    ['worker threads', String(report.threads)],
    ['native backend', report.nativeReason ?? 'in use'],
  ];
  const algorithms = report.algorithms.map((row) => [
    row.operation,
    row.algorithm,
    row.backend,
    row.why,
  ]);
  const lanes = report.lanes.map((lane) => [
    lane.lane,
    String(Math.round(lane.nsPerJob)),
    String(lane.queued),
    String(lane.inFlight),
    String(lane.jobs),
  ]);
  const breakEvens = report.breakEvens.map(({ name, first, further, source }) => [
    name,
    first === 0 ? 'never' : String(first),
    first === 0 || further > 8 ? 'never' : String(further),
    source,
  ]);
  return [
    table(facts),
    table([['OPERATION', 'ALGORITHM', 'BACKEND', 'WHY'], ...algorithms]),
    table([['LANE', 'NS PER JOB', 'QUEUED', 'IN FLIGHT', 'JOBS'], ...lanes]),
    ...(breakEvens.length > 0
      ? [table([['BATCHES OF', 'FROM JOBS', 'LEFT OVER', 'SOURCE'], ...breakEvens])]
      : []),
  ].join('\n');
}
