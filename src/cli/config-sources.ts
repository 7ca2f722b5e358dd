/**
 * Where configuration comes from: flags before KEYSTREL_* variables before the YAML file before
 * defaults. Paths are relative to the working directory.
 */
import { readFileSync } from 'node:fs';
import { type Config, ConfigError, parseConfig, SETTINGS } from '../core/config.js';

/** Variables that are no settings: the file, and what engine and build read by themselves. */
const OTHER_VARIABLES = new Set([
  'KEYSTREL_BREAK_EVEN',
  'KEYSTREL_CONFIG',
  'KEYSTREL_CPU',
  'KEYSTREL_SKIP_NATIVE',
]);
/** Lets tests kill workers; the program itself starts with no such thing. */
const FAULT_SWITCH = 'KEYSTREL_FAULTS';
/** Kubernetes sets these for a service called keystrel. */
const SERVICE_LINK = /^KEYSTREL_(SERVICE_(HOST|PORT\w*)|PORT(_\d+_\w+)?)$/;
/** Configuration and quota files, bytes. */
const FILE_BYTES_MAX = 1024 * 1024;

export interface Sources {
  /** Values of flags by path of their setting; text, or true for a switch. */
  readonly flags: ReadonlyMap<string, string | boolean>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The YAML file of `--config`. */
  readonly file: string | undefined;
}

type Tree = Record<string, unknown>;

/** @throws ConfigError */
export async function loadConfig(sources: Sources): Promise<Config> {
  const file = sources.file ?? (sources.env.KEYSTREL_CONFIG || undefined);
  const tree: Tree = file === undefined ? {} : asTree(await readYaml('config', file), file);
  const origins = new Map<string, string>();
  if (file !== undefined) {
    for (const path of ['', ...SETTINGS.map((setting) => setting.path)]) origins.set(path, file);
  }
  for (const { path, flag, env } of SETTINGS) {
    const variable = sources.env[env];
    // An empty variable is one that is not set: compose files and unit files leave such behind.
    if (variable !== undefined && variable !== '') place(tree, path, variable, origins, env);
    const value = sources.flags.get(path);
    if (value !== undefined) place(tree, path, value, origins, flag);
  }
  if (typeof tree.quota === 'string' && tree.quota !== 'aws' && tree.quota !== 'off') {
    tree.quota = await readYaml('quota', tree.quota);
  }
  const config = parseConfig(tree, origins);
  refuseUnknownVariables(sources.env, config);
  return config;
}

function place(
  tree: Tree,
  path: string,
  value: string | boolean,
  origins: Map<string, string>,
  origin: string,
): void {
  const [first, second] = path.split('.') as [string, string?];
  if (second === undefined) tree[first] = value;
  else {
    const section = tree[first] ?? {};
    // A section that is no mapping stays as it is: the schema says what is wrong with it.
    if (typeof section !== 'object' || Array.isArray(section)) return;
    tree[first] = { ...section, [second]: value };
  }
  origins.set(path, origin);
}

function asTree(content: unknown, file: string): Tree {
  if (content === null || content === undefined) return {};
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new ConfigError('config', `${file} must hold a mapping of settings`);
  }
  return content as Tree;
}

/** A mistyped variable must not be passed over in silence. */
function refuseUnknownVariables(env: Sources['env'], config: Config): void {
  const known = new Set([...OTHER_VARIABLES, ...SETTINGS.map((setting) => setting.env)]);
  for (const name of Object.keys(env)) {
    if (!name.startsWith('KEYSTREL_') || known.has(name) || SERVICE_LINK.test(name)) continue;
    if (name === config.seal.passphraseEnv) continue;
    if (name === FAULT_SWITCH) throw new ConfigError(name, 'fault switches are for tests alone');
    throw new ConfigError(name, 'there is no such setting', 'the environment');
  }
}

/** JSON is YAML, so one reader does. Messages of the parser quote the file and are left out. */
async function readYaml(setting: string, file: string): Promise<unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(setting, `${file} cannot be read: ${code ?? 'unknown error'}`);
  }
  if (text.length > FILE_BYTES_MAX) throw new ConfigError(setting, `${file} is too long`);
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text, { uniqueKeys: true });
  const problem = document.errors[0];
  if (problem !== undefined) {
    const line = problem.linePos?.[0].line;
    throw new ConfigError(setting, `${file} is no YAML: ${problem.code} in line ${line ?? '?'}`);
  }
  try {
    return document.toJS({ maxAliasCount: 0 }) as unknown;
  } catch {
    throw new ConfigError(setting, `${file}: anchors and aliases are not allowed`);
  }
}
