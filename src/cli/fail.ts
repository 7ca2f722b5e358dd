/** How a command ends that cannot go on: one line on stderr, exit status 1. */

/** What is said of `error`: one line. */
export function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s*\n\s*/g, ' ').trim();
}

/** Prints the line and sets the exit status; the caller lets the process end. */
export function fail(error: unknown): void {
  process.stderr.write(`keystrel: ${oneLine(error)}\n`);
  process.exitCode = 1;
}
