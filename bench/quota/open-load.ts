/**
 * An open-loop load: requests leave by the clock, whether or not answers come, and a latency counts
 * from the moment at which its request was due (no coordinated omission). Bounded in rate and time.
 */
import { Agent, request } from 'node:http';
import { type Credentials, signedRequest } from '../http/signed-request.js';

/** Requests that may be under way; beyond it, due ones are counted as not sent. */
const OUTSTANDING_MAX = 4_000;

export interface Stream {
  readonly name: string;
  readonly operation: string;
  readonly input: object;
  readonly perSecond: number;
}

export interface StreamResult {
  readonly name: string;
  readonly sent: number;
  readonly notSent: number;
  readonly accepted: number;
  readonly throttled: number;
  /** Answers that were neither, by error name. */
  readonly failed: ReadonlyMap<string, number>;
  /** Of accepted requests. */
  readonly p50Us: number;
  readonly p99Us: number;
}

interface Tally {
  readonly stream: Stream;
  readonly head: Record<string, string>;
  readonly body: string;
  due: number;
  sent: number;
  notSent: number;
  accepted: number;
  throttled: number;
  failed: Map<string, number>;
  latencies: number[];
}

function tally(stream: Stream, host: string, credentials: Credentials): Tally {
  const text = signedRequest(host, stream.operation, stream.input, credentials);
  const [head, body] = text.split('\r\n\r\n') as [string, string];
  const lines = head.split('\r\n').slice(1);
  const named = lines.map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]);
  return {
    stream,
    head: Object.fromEntries(named),
    body,
    due: 0,
    sent: 0,
    notSent: 0,
    accepted: 0,
    throttled: 0,
    failed: new Map(),
    latencies: [],
  };
}

function percentile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return 0;
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!);
}

function result(of: Tally): StreamResult {
  const sorted = of.latencies.sort((a, b) => a - b);
  return {
    name: of.stream.name,
    sent: of.sent,
    notSent: of.notSent,
    accepted: of.accepted,
    throttled: of.throttled,
    failed: of.failed,
    p50Us: percentile(sorted, 0.5),
    p99Us: percentile(sorted, 0.99),
  };
}

/** Sends all streams side by side for `seconds`; those due in the first `warmUp` seconds do not count. */
export async function openLoad(
  endpoint: string,
  credentials: Credentials,
  streams: readonly Stream[],
  warmUp: number,
  seconds: number,
): Promise<readonly StreamResult[]> {
  const { host, hostname, port } = new URL(endpoint);
  const agent = new Agent({ keepAlive: true, maxSockets: 512 });
  const tallies = streams.map((stream) => tally(stream, host, credentials));
  let outstanding = 0;
  const send = (of: Tally, dueAt: number, counts: boolean) => {
    if (outstanding >= OUTSTANDING_MAX) {
      if (counts) of.notSent += 1;
      return;
    }
    outstanding += 1;
    if (counts) of.sent += 1;
    const end = (outcome: string) => {
      outstanding -= 1;
      if (!counts) return;
      if (outcome === 'OK') {
        of.accepted += 1;
        of.latencies.push((performance.now() - dueAt) * 1000);
      } else if (outcome === 'ThrottlingException') of.throttled += 1;
      else of.failed.set(outcome, (of.failed.get(outcome) ?? 0) + 1);
    };
    const call = request({ agent, hostname, port, method: 'POST', headers: of.head }, (reply) => {
      let text = '';
      reply.setEncoding('utf8');
      reply.on('data', (chunk: string) => {
        text += chunk;
      });
      reply.on('end', () => {
        const name = /"__type":"(\w+)"/.exec(text)?.[1] ?? String(reply.statusCode);
        end(reply.statusCode === 200 ? 'OK' : name);
      });
    });
    call.on('error', (error) => end((error as NodeJS.ErrnoException).code ?? error.name));
    call.end(of.body);
  };
  const start = performance.now();
  const total = (warmUp + seconds) * 1000;
  for (let now = 0; now < total; now = performance.now() - start) {
    for (const of of tallies) {
      const gap = 1000 / of.stream.perSecond;
      for (; of.due * gap <= now; of.due += 1) {
        send(of, start + of.due * gap, of.due * gap >= warmUp * 1000);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const deadline = performance.now() + 10_000;
  while (outstanding > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  agent.destroy();
  return tallies.map(result);
}
