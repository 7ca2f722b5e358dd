/** scripts/serve: makes a data directory, and prints three commands that work when pasted. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, expect, test } from 'vitest';

const script = fileURLToPath(new URL('../../scripts/serve.mjs', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'keystrel-serve-'));
let running: ChildProcess | undefined;
afterEach(() => stop());
afterAll(() => rmSync(directory, { recursive: true }));

/** Ends the script, and the server with it. */
async function stop(): Promise<number | null> {
  const child = running;
  running = undefined;
  if (child === undefined) return null;
  return new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGTERM');
  });
}

/** Starts the script; all that it printed up to its last line. */
function serve(args: readonly string[] = []): Promise<string> {
  const where = ['--listen', '127.0.0.1:0', '--admin-listen', 'off'];
  const child = spawn(process.execPath, [script, ...where, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, KEYSTREL_DATA: join(directory, 'data') },
  });
  running = child;
  return new Promise((resolve, reject) => {
    let text = '';
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('Ctrl-C')) resolve(text);
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${text}${log}`)));
  });
}

function command(text: string, name: string): string {
  const match = new RegExp(`^# ${name}\\n(.+)$`, 'm').exec(text);
  if (match === null) throw new Error(`no command for ${name} in ${text}`);
  return match[1]!;
}

const paste = (line: string) => execFileSync('bash', ['-c', line], { encoding: 'utf8', cwd: '/' });

test.each([[], ['--dev']])(
  'the three commands work when pasted (arguments: %s)',
  async (...args) => {
    const text = await serve(args);
    expect(text).toMatch(/^ready http:\/\/127\.0\.0\.1:\d+$/m);
    const made = JSON.parse(paste(command(text, 'AWS CLI')));
    expect(made.KeyMetadata).toMatchObject({ KeyState: 'Enabled', Description: 'first key' });
    expect(paste(command(text, 'SDK'))).toBe('hello\n');
    const drawn = JSON.parse(paste(command(text, 'curl')));
    expect(Buffer.from(drawn.Plaintext, 'base64')).toHaveLength(32);
    expect(await stop()).toBe(0);
  },
);

test('a second start shows the same access key, which is kept privately', async () => {
  const id = (text: string) => /^access key id +(\S+)$/m.exec(text)?.[1];
  const first = id(await serve());
  await stop();
  expect(id(await serve())).toBe(first);
  const { mode } = statSync(join(directory, 'data/first-access-key.json'));
  expect(mode & 0o777).toBe(0o600);
});
