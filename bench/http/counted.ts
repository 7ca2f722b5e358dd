/**
 * Sends a list of requests, each exactly once, over some connections: for what cannot be repeated,
 * such as CreateAlias. Slower than wrk, so that figures of the two are not to be compared.
 */
import { connect, type Socket } from 'node:net';
import { quantile } from '../harness.js';
import { cpuTimeUs, type LoadResult } from './wrk.js';

/** What a server still does after its last answer, such as writing audit, milliseconds. */
const SETTLE_MS = 30;

export interface CountedLoad {
  readonly endpoint: string;
  /** Process whose CPU time counts, all its threads. */
  readonly pid: number;
  /** Whole requests. */
  readonly requests: readonly string[];
  readonly connections: number;
}

/** Length of the answer that `text` begins with, bytes; undefined while it is not all there. */
function answerLength(text: string): number | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const length = Number(/^content-length: *(\d+)\r$/im.exec(text.slice(0, headEnd + 2))?.[1]);
  if (Number.isNaN(length)) throw new Error(`no Content-Length: ${text.slice(0, headEnd)}`);
  const end = headEnd + 4 + length;
  return text.length >= end ? end : undefined;
}

/** One request and its answer, on a connection that has no other under way. */
function exchange(socket: Socket, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const end = (error: Error | undefined): void => {
      socket.off('data', onData).off('error', end).off('close', onClose);
      if (error === undefined) resolve(text);
      else reject(error);
    };
    const onClose = (): void => end(new Error(`closed after ${JSON.stringify(text)}`));
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      if (answerLength(text) !== undefined) end(undefined);
    };
    socket.on('data', onData).on('error', end).on('close', onClose);
    socket.write(request);
  });
}

/** Sends all requests, in turn over the connections. @throws Error at the first that is refused */
export async function applyCounted(load: CountedLoad): Promise<LoadResult> {
  const { hostname, port } = new URL(load.endpoint);
  const latenciesUs: number[] = [];
  let next = 0;
  const drive = async (socket: Socket): Promise<void> => {
    while (next < load.requests.length) {
      const request = load.requests[next++]!;
      const sent = performance.now();
      const answer = await exchange(socket, request);
      latenciesUs.push((performance.now() - sent) * 1_000);
      if (!answer.startsWith('HTTP/1.1 200 ')) throw new Error(`refused: ${answer}`);
    }
  };
  const sockets = Array.from({ length: load.connections }, () =>
    connect({ host: hostname, port: Number(port), noDelay: true }),
  );
  try {
    const before = cpuTimeUs(load.pid);
    const start = performance.now();
    await Promise.all(sockets.map(drive));
    const seconds = (performance.now() - start) / 1_000;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const requests = load.requests.length;
    const sorted = latenciesUs.sort((a, b) => a - b);
    return {
      requests,
      perSecond: requests / seconds,
      cpuUsPerRequest: (cpuTimeUs(load.pid) - before) / requests,
      p50Us: Math.round(quantile(sorted, 0.5)),
      p99Us: Math.round(quantile(sorted, 0.99)),
      errors: 0,
    };
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}
