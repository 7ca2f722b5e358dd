#!/usr/bin/env -S node --max-semi-space-size=4 --single-threaded-gc
/** The program: `keystrel <command>`. Commands are imported when they run, to start quickly. */
import { Command, CommanderError } from 'commander';
import { type Config, SETTINGS, type Setting } from '../core/config.js';
import { version } from '../core/version.js';
import { loadConfig } from './config-sources.js';
import { fail } from './fail.js';

type Options = Readonly<Record<string, string | boolean | undefined>>;

const INIT_SETTINGS = /^(data|regions?|account|engine\.backend|seal\..*)$/;
const ACCESS_KEY_SETTINGS = /^(data|engine\.backend|seal\..*)$/;
const STATUS_SETTINGS = /^engine\./;

/** commander's name of an option: `--tls-cert` is tlsCert. */
function attribute(setting: Setting): string {
  return setting.flag
    .slice(2)
    .replaceAll(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

function withSettings(command: Command, which: RegExp): Command {
  command.option('--config <FILE>', 'YAML file of settings (environment: KEYSTREL_CONFIG)');
  for (const setting of SETTINGS.filter(({ path }) => which.test(path))) {
    const value = setting.argument === undefined ? '' : ` <${setting.argument}>`;
    const text = setting.text.replaceAll('`', '');
    const notes = `environment: ${setting.env}; default: ${setting.fallback}`;
    command.option(`${setting.flag}${value}`, `${text} (${notes})`);
  }
  return command;
}

async function configOf(options: Options): Promise<Config> {
  const flags = new Map<string, string | boolean>();
  for (const setting of SETTINGS) {
    const value = options[attribute(setting)];
    if (value !== undefined) flags.set(setting.path, value);
  }
  return loadConfig({ flags, env: process.env, file: options.config as string | undefined });
}

const ORDER = `
Settings are taken from flags, then KEYSTREL_* variables, then the YAML file, then defaults.
docs/configuration.md lists them with their keys in the YAML file.`;

function addInit(program: Command): void {
  const command = program
    .command('init')
    .description('make a data directory: sealed root key, account, first administrator')
    .option('--admin <NAME>', 'user name of the first administrator', 'admin')
    .option('--json', 'print {account, region, accessKeyId, secretAccessKey} alone')
    .addHelpText('after', ORDER);
  withSettings(command, INIT_SETTINGS).action(async (options: Options) => {
    const { runInit } = await import('./init.js');
    await runInit(await configOf(options), {
      admin: options.admin as string,
      json: options.json === true,
    });
  });
}

function addServe(program: Command): void {
  const command = program
    .command('serve')
    .description('answer KMS requests; prints `ready URL` once it does')
    .addHelpText('after', ORDER);
  withSettings(command, /./).action(async (options: Options) => {
    const [config, { runServe }] = await Promise.all([configOf(options), import('./serve.js')]);
    await runServe(config);
  });
}

function addStatus(program: Command): void {
  const command = program
    .command('status')
    .description('run the self-test and show which backend serves each algorithm, and why')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', ORDER);
  withSettings(command, STATUS_SETTINGS).action(async (options: Options) => {
    const { runStatus } = await import('./status.js');
    await runStatus(await configOf(options), options.json === true);
  });
}

function addAccessKey(program: Command): void {
  const group = program.command('access-key').description('access keys of a data directory');
  const create = group
    .command('create')
    .description('make an access key for an administrator or a service; its secret is shown once')
    .option('--user <NAME>', 'user name, made when there is none (default: admin)')
    .option('--service <NAME>', 'service instead of a user, e.g. s3 for s3.amazonaws.com')
    .option('--json', 'print {account, region, accessKeyId, secretAccessKey} alone');
  withSettings(create, ACCESS_KEY_SETTINGS).action(async (options: Options) => {
    const { createAccessKey } = await import('./access-key.js');
    const { user, service } = options as Readonly<Record<string, string | undefined>>;
    if (user !== undefined && service !== undefined)
      throw new Error('a user or a service, not both');
    const holder = service === undefined ? { user: user ?? 'admin' } : { service };
    await createAccessKey(await configOf(options), holder, options.json === true);
  });
  const list = group
    .command('list')
    .description('list access keys, never their secrets')
    .option('--json', 'print an array of JSON objects');
  withSettings(list, ACCESS_KEY_SETTINGS).action(async (options: Options) => {
    const { listAccessKeys } = await import('./access-key.js');
    await listAccessKeys(await configOf(options), options.json === true);
  });
  for (const action of ['disable', 'enable'] as const) {
    const command = group
      .command(`${action} <ACCESS-KEY-ID>`)
      .description(`${action} an access key; servers on this data directory follow within 1 s`);
    withSettings(command, ACCESS_KEY_SETTINGS).action(async (id: string, options: Options) => {
      const { setAccessKeyActive } = await import('./access-key.js');
      await setAccessKeyActive(await configOf(options), id, action === 'enable');
    });
  }
}

async function main(): Promise<void> {
  const program = new Command('keystrel')
    .description('Self-hosted key management service that speaks the AWS KMS API')
    .version(version(), '-V, --version')
    .configureOutput({ outputError: () => undefined })
    .showHelpAfterError(false)
    .exitOverride();
  addInit(program);
  addServe(program);
  addStatus(program);
  addAccessKey(program);
  program
    .command('version')
    .description('print the version')
    .action(() => {
      process.stdout.write(`${version()}\n`);
    });
  process.stdout.on('error', outputFailed);
  for (const command of allCommands(program)) command.exitOverride().copyInheritedSettings(program);
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version have been printed. Asked for, they are no failure.
      if (error.code === 'commander.help') process.exitCode = error.exitCode;
      else if (error.exitCode !== 0) fail(error.message.replace(/^error: /, ''));
      return;
    }
    fail(error);
  }
}

/** A full disk may have swallowed a secret that is shown once; a reader that went away is let go. */
function outputFailed(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exitCode = 1;
  else fail(`the output could not be written: ${error.code ?? 'unknown error'}`);
}

function allCommands(program: Command): Command[] {
  return program.commands.flatMap((command) => [command, ...allCommands(command)]);
}

await main();
