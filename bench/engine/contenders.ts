/** Who is measured: node:crypto, native and @noble per batch, and one timed slot of each. */
import { Bench } from 'tinybench';
import type { FrameClient } from './frame-client.js';
import type { Operation } from './operations.js';

/** A sample is at least this long, µs, so that taking it costs next to nothing. */
const SAMPLE_US_MIN = 100;

/** What a slot of one contender in one round gave. */
export interface Slot {
  /** CPU time of one operation, µs. */
  readonly cpuUs: number;
  /** Time of a batch, µs. */
  readonly p50: number;
  readonly p99: number;
}

export interface Contender {
  readonly backend: string;
  readonly batch: number;
  readonly run: () => void;
  /** Times that a sample runs the batch. */
  repeat: number;
}

/** One after the other: node:crypto, then each backend with each batch that is not too long. */
export function contendersOf(
  operation: Operation,
  batches: readonly number[],
  clients: readonly FrameClient[],
  batchUsMax: number,
): Contender[] {
  const list: Contender[] = [
    { backend: 'node:crypto', batch: 1, run: operation.baseline(), repeat: 1 },
  ];
  for (const client of clients) {
    const { name } = client.backend;
    if (name === 'noble' && !operation.noble) continue;
    const init = operation.job(client);
    for (const batch of name === 'noble' ? [1] : batches) {
      if (batch > 1 && batch * operation.roughUs > batchUsMax) continue;
      const jobs = Array.from({ length: batch }, () => client.job(init));
      list.push({ backend: name, batch, run: () => client.run(jobs), repeat: 1 });
    }
  }
  return list;
}

/** Runs a contender for `ms`, at least twice. */
export async function slot(contender: Contender, ms: number): Promise<Slot> {
  const bench = new Bench({ time: ms, iterations: 2, warmup: false });
  const { run, repeat, batch, backend } = contender;
  bench.add('batch', () => {
    for (let i = 0; i < repeat; i += 1) run();
  });
  const start = process.cpuUsage();
  await bench.run();
  const used = process.cpuUsage(start);
  const { result } = bench.tasks[0]!;
  if (result.state !== 'completed') throw new Error(`${backend}: ${result.state}`);
  const runs = result.latency.samplesCount * repeat;
  return {
    cpuUs: (used.user + used.system) / (runs * batch),
    p50: (result.latency.p50 * 1_000) / repeat,
    p99: (result.latency.p99 * 1_000) / repeat,
  };
}

/** Compiles, warms up, and finds how often a sample repeats the batch. */
export async function warmUp(contenders: readonly Contender[], ms: number): Promise<void> {
  for (const contender of contenders) {
    const { p50 } = await slot(contender, ms);
    contender.repeat = Math.max(1, Math.ceil(SAMPLE_US_MIN / p50));
  }
}
