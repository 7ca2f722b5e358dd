/** `keystrel serve`: runs until SIGTERM or SIGINT. */
import { setFlagsFromString } from 'node:v8';
import { type DestinationStream, destination, pino } from 'pino';
import type { Config } from '../core/config.js';
import { startKeystrel } from '../main.js';
import { fail } from './fail.js';

const STDERR = 2;
/**
 * How much V8 inlines into one optimized function, in bytes of bytecode (its defaults: 460 and
 * 920). A request's way is many small functions: 2 % of its CPU time.
 */
const INLINING = [
  '--max-inlined-bytecode-size=1200',
  '--max-inlined-bytecode-size-cumulative=2500',
] as const;

/** Written at once: nothing of the log is lost when the process dies. */
function stderr(): DestinationStream {
  const stream = destination({ fd: STDERR, sync: true });
  // Whoever read the log may be gone; that is no reason to stop serving.
  stream.on('error', () => undefined);
  return stream;
}

/** Prints `ready URL` on stdout once requests are answered. Resolves after the last was. */
export async function runServe(config: Config): Promise<void> {
  for (const flag of INLINING) setFlagsFromString(flag);
  const log = pino({ level: config.logLevel, base: { pid: process.pid } }, stderr());
  const crashed = (error: unknown): void => {
    // The message of a foreign error may quote what it failed on: its stack without it says where.
    const failure = error instanceof Error ? error : new Error('not an Error');
    const frames = failure.stack?.split('\n').filter((line) => line.startsWith('    at '));
    log.fatal({ error: failure.name, stack: frames?.slice(0, 12) }, 'internal error');
    process.exit(1);
  };
  process.on('uncaughtException', crashed);
  process.on('unhandledRejection', crashed);
  let asked: NodeJS.Signals | undefined;
  const signalled = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        asked ??= signal;
        resolve();
      });
    }
  });
  const running = await startKeystrel(config, { log, protect: true });
  process.stdout.write(`ready ${running.endpoint}\n`);
  await signalled;
  log.info({ signal: asked }, 'draining');
  try {
    await running.stop();
    log.info({}, 'stopped');
    process.exitCode = 0;
  } catch (error) {
    fail(error);
  }
  // Sockets of clients that do not let go, and idle handles of libraries, must not hold the process.
  process.exit();
}
