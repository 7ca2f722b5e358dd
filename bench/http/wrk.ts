/** Drives wrk with prepared requests and measures the CPU time of the server under it. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Load {
  readonly endpoint: string;
  /** Process whose CPU time counts, all its threads. */
  readonly pid: number;
  /** Whole requests, sent in turn. */
  readonly requests: readonly string[];
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly perSecond: number;
  readonly cpuUsPerRequest: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Answers that were no 200, and broken connections. */
  readonly errors: number;
}

/** True when the load generator is installed (Debian: apt-get install wrk). */
export function hasWrk(): boolean {
  try {
    execFileSync('wrk', ['--version'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    // wrk ends with status 1 after printing its version.
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

/**
 * User and system time of a process and its threads, µs: to the nanosecond where the kernel keeps
 * /proc/PID/task/TID/schedstat, else in ticks of 10 ms.
 */
export function cpuTimeUs(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const spentNs = threads.map((thread) => {
      const [ns] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1);
      return Number(ns);
    });
    return spentNs.reduce((sum, ns) => sum + ns, 0) / 1_000;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function script(requests: readonly string[]): string {
  // JSON's escapes are Lua's too for what is in these requests: quotes, backslashes, CR and LF.
  const list = requests.map((request) => `  ${JSON.stringify(request)},`).join('\n');
  return `local requests = {\n${list}\n}
local i = 0
request = function()
  i = i % #requests + 1
  return requests[i]
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('RESULT %d %d %d %d %d\\n', summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    e.status + e.connect + e.read + e.write + e.timeout))
end
`;
}

/** One run of wrk: one thread, so that the server keeps the other core. */
export async function applyLoad(load: Load): Promise<LoadResult> {
  const folder = mkdtempSync(join(tmpdir(), 'keystrel-wrk-'));
  try {
    const file = join(folder, 'requests.lua');
    writeFileSync(file, script(load.requests));
    const before = cpuTimeUs(load.pid);
    const { stdout } = await run('wrk', [
      '-t1',
      `-c${load.connections}`,
      `-d${load.seconds}s`,
      '-s',
      file,
      load.endpoint,
    ]);
    const cpu = cpuTimeUs(load.pid) - before;
    const match = /^RESULT (\d+) (\d+) (\d+) (\d+) (\d+)$/m.exec(stdout);
    if (match === null) throw new Error(`wrk said: ${stdout}`);
    const [requests, durationUs, p50Us, p99Us, errors] = match.slice(1).map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    return {
      requests,
      perSecond: (requests * 1e6) / durationUs,
      cpuUsPerRequest: cpu / requests,
      p50Us,
      p99Us,
      errors,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
