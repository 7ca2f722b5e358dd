/** Sinks on real files in directories of their own, with system calls that can be made to fail. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { type FileCalls, systemFileCalls } from '../../src/audit/file-calls.js';
import { createFileSink, type FileSink, type FileSinkOptions } from '../../src/audit/file-sink.js';

const open: { directory: string; sinks: FileSink[] }[] = [];

afterEach(async () => {
  for (const { directory, sinks } of open.splice(0)) {
    await Promise.allSettled(sinks.map((sink) => sink.close()));
    rmSync(directory, { recursive: true, force: true });
  }
});

/** Counts the calls, and throws what `fail` returns for a call. */
export class FaultyCalls implements FileCalls {
  readonly log: (keyof FileCalls)[] = [];
  /** Bytes asked of each write. */
  readonly writes: number[] = [];
  fail: (call: keyof FileCalls) => string | undefined = () => undefined;
  /** Held before a call that is not of the event loop; a test may replace it. */
  gate: (call: keyof FileCalls) => Promise<void> = () => Promise.resolve();

  count(call: keyof FileCalls): number {
    return this.log.filter((each) => each === call).length;
  }
  #enter(call: keyof FileCalls): void {
    this.log.push(call);
    const code = this.fail(call);
    if (code !== undefined) throw Object.assign(new Error(`${call}: ${code}`), { code });
  }
  async open(path: string, flags: number, mode: number) {
    await this.gate('open');
    this.#enter('open');
    return systemFileCalls.open(path, flags, mode);
  }
  async write(fd: number, bytes: Buffer, offset: number, length: number) {
    this.writes.push(length);
    await this.gate('write');
    this.#enter('write');
    return systemFileCalls.write(fd, bytes, offset, length);
  }
  writeSync(fd: number, bytes: Buffer, offset: number, length: number) {
    this.writes.push(length);
    this.#enter('writeSync');
    return systemFileCalls.writeSync(fd, bytes, offset, length);
  }
  truncateSync(fd: number, length: number) {
    this.#enter('truncateSync');
    systemFileCalls.truncateSync(fd, length);
  }
  async datasync(fd: number) {
    await this.gate('datasync');
    this.#enter('datasync');
    return systemFileCalls.datasync(fd);
  }
  async sync(fd: number) {
    await this.gate('sync');
    this.#enter('sync');
    return systemFileCalls.sync(fd);
  }
  async close(fd: number) {
    this.#enter('close');
    return systemFileCalls.close(fd);
  }
  linksSync(fd: number) {
    this.#enter('linksSync');
    return systemFileCalls.linksSync(fd);
  }
}

export interface Rig {
  readonly directory: string;
  readonly calls: FaultyCalls;
  readonly sink: FileSink;
  /** Another sink on the same directory. */
  another(options?: Partial<FileSinkOptions>): FileSink;
}

export function openSink(options: Partial<FileSinkOptions> = {}): Rig {
  const parent = mkdtempSync(join(tmpdir(), 'keystrel-audit-'));
  const directory = options.directory ?? join(parent, 'log');
  const calls = new FaultyCalls();
  const sinks: FileSink[] = [];
  open.push({ directory: parent, sinks });
  const another = (more: Partial<FileSinkOptions> = {}) => {
    const sink = createFileSink({ directory, durability: 'write', calls, ...options, ...more });
    sinks.push(sink);
    return sink;
  };
  return { directory, calls, sink: another(), another };
}

export function logNames(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.jsonl'))
    .sort();
}

/** All lines of the directory, file by file. @throws Error when a file does not end with one */
export function logLines(directory: string): string[] {
  return logNames(directory).flatMap((name) => {
    const text = readFileSync(join(directory, name), 'utf8');
    if (text !== '' && !text.endsWith('\n')) throw new Error(`${name} ends inside a line`);
    return text.split('\n').slice(0, -1);
  });
}

export const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Resolves when `condition` holds. @throws Error after ten seconds */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('the condition did not come true');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export const codeOf = (promise: Promise<void>) =>
  promise.then(
    () => 'accepted',
    (error: unknown) => (error as { code: string }).code,
  );
