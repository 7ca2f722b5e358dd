/**
 * The AWS command line interface against a server of ours. It remembers which commands were answered
 * and which refused, and knows which ones the installed version has.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startServer, type TestServer } from '../harness.js';

const run = promisify(execFile);

/** One start of the program takes about a second of processor time. */
export const isInstalled = spawnSync('aws', ['--version']).status === 0;
if (!isInstalled) console.log('no test of the AWS CLI: aws is not installed, see scripts/setup');

export interface CliRig {
  readonly server: TestServer;
  readonly answered: ReadonlySet<string>;
  readonly refused: ReadonlySet<string>;
  /** `aws kms ARGS`; throws what the program says on stderr when it fails. */
  // biome-ignore lint/suspicious/noExplicitAny: replies are read by name in tests
  aws(...args: string[]): Promise<any>;
  /** Writes a file and gives its path. */
  file(name: string, data: Uint8Array): string;
  /** Writes a file and gives the argument that stands for its bytes. */
  blob(name: string, data: Uint8Array): string;
  /** The commands of `aws kms` in the installed version; none where it is not installed. */
  readonly commands: readonly string[];
  stop(): Promise<void>;
}

/** `region`: the one Region that the server has; several outside China unless given. */
export async function startCliRig(region?: string): Promise<CliRig> {
  const config = region === undefined ? {} : { region, regions: [region] };
  const server = await startServer({ quota: 'off', config });
  const directory = mkdtempSync(join(tmpdir(), 'keystrel-cli-'));
  const answered = new Set<string>();
  const refused = new Set<string>();
  const file = (name: string, data: Uint8Array) => {
    const path = join(directory, name);
    writeFileSync(path, data);
    return path;
  };
  // Version 1 prints epoch seconds unless told otherwise.
  const configFile = file('config', Buffer.from('[default]\ncli_timestamp_format = iso8601\n'));
  const env = {
    PATH: process.env.PATH,
    HOME: directory,
    AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
    AWS_DEFAULT_REGION: server.region,
    AWS_PAGER: '',
    AWS_CONFIG_FILE: configFile,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_MAX_ATTEMPTS: '1',
  };
  const start = ['kms', '--endpoint-url', server.endpoint, '--output', 'json'];
  const call = async (args: readonly string[]) => {
    try {
      return (await run('aws', [...start, ...args], { env })).stdout;
    } catch (error) {
      const failure = error as Error & { stderr?: string };
      throw new Error(failure.stderr ?? failure.message);
    }
  };
  return {
    server,
    answered,
    refused,
    file,
    blob: (name, data) => `fileb://${file(name, data)}`,
    aws: async (command = '', ...args) => {
      let stdout: string;
      try {
        stdout = await call([command, ...args]);
      } catch (error) {
        if (/An error occurred \(\w+\)/.test((error as Error).message)) refused.add(command);
        throw error;
      }
      answered.add(command);
      return stdout === '' ? undefined : JSON.parse(stdout);
    },
    commands: isInstalled ? await commandsOf(call) : [],
    stop: async () => {
      await server.stop();
      rmSync(directory, { recursive: true });
    },
  };
}

/** By a command that no version has: the refusal lists all that there are, in columns. */
async function commandsOf(call: (args: readonly string[]) => Promise<string>): Promise<string[]> {
  const text = await call(['no-such-command']).then(
    () => '',
    (error: unknown) => (error as Error).message,
  );
  const [, list = ''] = text.split('valid choices are:');
  return list.split(/[\s|]+/).filter((name) => /^[a-z][a-z-]*$/.test(name));
}
