/**
 * The engine by itself, for comparison with what the server serves: signatures as the server makes
 * them, through lanes and pool, with as many in flight as the server has connections.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine } from '../../src/engine/engine.js';
import { type BenchRow, quantile } from '../harness.js';
import { SIGNING_ALGORITHMS, type SigningSpec } from './workloads.js';

const NOTHING = Buffer.alloc(0);
const MESSAGE = Buffer.alloc(32, 7);

export interface EngineLoad {
  readonly spec: SigningSpec;
  /** Workers; 0 = as many as the server takes by default. */
  readonly threads: number;
  readonly inFlight: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/** Each job is followed by the next one as a client's requests are. */
export async function engineRate(load: EngineLoad): Promise<BenchRow> {
  const engine = await createEngine({ dispatch: 'pool', threads: load.threads });
  const directory = mkdtempSync(join(tmpdir(), 'keystrel-bench-'));
  try {
    const root = engine.vault.createFile(join(directory, 'root.key'));
    const { spec } = load;
    const made = await engine.generateKey(root, spec, 'bench', NOTHING);
    const key = await engine.loadKey(root, spec, made.wrapped, NOTHING);
    const sign = () => engine.sign(key, spec, SIGNING_ALGORITHMS[spec], MESSAGE, 'RAW');
    await keepBusy(load.inFlight, load.warmUpSeconds, sign);
    const used = process.cpuUsage();
    const startMs = performance.now();
    const us = await keepBusy(load.inFlight, load.seconds, sign);
    const seconds = (performance.now() - startMs) / 1_000;
    const { user, system } = process.cpuUsage(used);
    us.sort((a, b) => a - b);
    return {
      bench: 'http',
      op: 'Sign',
      backend: 'engine',
      variant: `pool, ${engine.status().threads} threads, ${load.inFlight} in flight`,
      ops_per_s: Math.round(us.length / seconds),
      cpu_us_per_op: Number(((user + system) / us.length).toFixed(2)),
      p50_us: Math.round(quantile(us, 0.5)),
      p99_us: Math.round(quantile(us, 0.99)),
    };
  } finally {
    await engine.close();
    rmSync(directory, { recursive: true });
  }
}

/** Microseconds of each job. */
async function keepBusy(
  inFlight: number,
  seconds: number,
  once: () => Promise<unknown>,
): Promise<number[]> {
  const us: number[] = [];
  const untilMs = performance.now() + seconds * 1_000;
  const client = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      const startMs = performance.now();
      await once();
      us.push((performance.now() - startMs) * 1_000);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, client));
  return us;
}
