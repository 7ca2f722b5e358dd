/**
 * Configuration: the one table of settings, each with its schema, default and description. Names
 * of flags, environment variables and keys of the YAML file are derived from it, and so are
 * `--help` and docs/configuration.md.
 *
 * Unknown keys are errors, and every error names its setting. Reading files and the environment is
 * the CLI's business (src/cli/config-sources.ts); nothing here has an effect.
 */
import { z } from 'zod';
import { partitionOf } from './ids.js';
import {
  BODY_BYTES_MAX,
  BODY_TIMEOUT_MS,
  CONNECTIONS_MAX,
  HEADER_BYTES_MAX,
  HEADERS_MAX,
  IDLE_TIMEOUT_MS,
  POLICY_CHARS_MAX,
  REGIONS_MAX,
  RESOURCE_QUOTAS,
  SHUTDOWN_GRACE_MS,
} from './limits.js';
import { SERVICE_NAME, SERVICES_MAX } from './service-principals.js';

/** ConfigError names the setting that is wrong. Its message is one line, without secrets. */
export class ConfigError extends Error {
  readonly setting: string;
  constructor(setting: string, text: string, origin?: string) {
    super(`${setting}: ${text}${origin === undefined ? '' : ` (from ${origin})`}`);
    this.name = 'ConfigError';
    this.setting = setting;
  }
}

interface SettingInfo {
  readonly text: string;
  /** What stands for the value in `--help`; absent for switches. */
  readonly argument?: string;
  /** Shown where the schema has no default of its own. */
  readonly fallback?: string;
  /** Where the derived name of the environment variable is not the one. */
  readonly env?: string;
}

const registry = z.registry<SettingInfo>();

function setting<S extends z.ZodType>(schema: S, info: SettingInfo): S {
  registry.add(schema, info);
  return schema;
}

export interface Address {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

const ADDRESS = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/i;

/** Undefined when `text` is not HOST:PORT or [IPv6]:PORT. */
function parseAddress(text: string): Address | undefined {
  const match = ADDRESS.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return undefined;
  return { host: (match[1] ?? match[2])!, port };
}

/** True for addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

const address = z.string().transform((text, context): Address => {
  const parsed = parseAddress(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'must be HOST:PORT or [IPv6]:PORT' });
  return z.NEVER;
});

const addressOrOff = z.union([z.literal('off').transform(() => undefined), address], {
  error: 'must be HOST:PORT, [IPv6]:PORT or off',
});

/** Flags and variables are text: digits stand for a number. */
const fromText = (value: unknown): unknown =>
  typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;

const SWITCH: Readonly<Record<string, boolean>> = { true: true, 1: true, false: false, 0: false };

const toggle = () =>
  z.preprocess(
    (value) => (typeof value === 'string' ? (SWITCH[value] ?? value) : value),
    z.boolean({ error: 'must be true or false' }),
  );

function count(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.preprocess(fromText, z.int({ error }).min(min, { error }).max(max, { error }));
}

function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { error: `must be one of: ${values.join(', ')}` });
}

/** Shape RegionType of the AWS KMS API model. */
const REGION_TYPE = /^([a-z]+-){2,3}\d+$/;
const REGION_CHARS_MAX = 32;

/** As text: names with commas between them. */
const regions = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',').map((name) => name.trim()) : value),
  z
    .array(
      z
        .string()
        .max(REGION_CHARS_MAX)
        .regex(REGION_TYPE, { error: 'must be a list of Regions like us-east-1' }),
      { error: 'must be a list of Regions like us-east-1' },
    )
    .min(1, { error: 'must name a Region' })
    .max(REGIONS_MAX, { error: `must be ${REGIONS_MAX} Regions at most` }),
);

const path = () => z.string().min(1, { error: 'must be a path' });

const services = z
  .preprocess(
    (value) => (typeof value === 'string' ? value.split(',').map((name) => name.trim()) : value),
    z
      .array(z.string().regex(SERVICE_NAME, { error: 'a service is named like s3' }), {
        error: 'must be names of services, e.g. s3,ebs',
      })
      .max(SERVICES_MAX, { error: `at most ${SERVICES_MAX} services` }),
  )
  .optional();

const quota = z.union(
  [
    z.enum(['aws', 'off']),
    z.record(z.string(), z.number().min(0, { error: 'a rate is requests per second, from 0' })),
  ],
  { error: 'must be aws, off, or a file (or mapping) of quota names to requests per second' },
);

const seal = z.strictObject({
  kind: setting(oneOf(['file', 'passphrase']).optional(), {
    argument: 'KIND',
    fallback: 'file; after init, what it was made with',
    text:
      'Who protects the root key: `file` keeps it in DATA/root.key with mode 0600, `passphrase` ' +
      'seals it with argon2id and AES-256-GCM.',
  }),
  passphraseFile: setting(path().optional(), {
    argument: 'FILE',
    fallback: 'none',
    text: 'File with the passphrase of the seal (at least 12 bytes; line ends at its end do not count).',
  }),
  passphraseEnv: setting(
    z
      .string()
      .regex(/^[A-Za-z_]\w*$/, { error: 'must be the name of a variable' })
      .optional(),
    {
      argument: 'NAME',
      fallback: 'none',
      text: 'Environment variable with the passphrase, instead of a file.',
    },
  ),
});

const audit = z.strictObject({
  directory: setting(path().optional(), {
    argument: 'DIR',
    fallback: 'DATA/audit',
    text: 'Directory of the audit log: one JSON line per request.',
  }),
  durability: setting(oneOf(['fsync', 'write']).prefault('fsync'), {
    argument: 'MODE',
    text:
      'When a record counts as accepted, and its reply may leave: `fsync` on stable storage, ' +
      '`write` handed to the operating system (survives kill -9, not a power failure).',
  }),
  maxBytes: setting(count(65_536, 2 ** 40).prefault(128 * 1024 * 1024), {
    argument: 'BYTES',
    text: 'Size at which the log goes on in a new file.',
  }),
});

const tls = z.strictObject({
  cert: setting(path().optional(), {
    argument: 'FILE',
    fallback: 'none: plain HTTP',
    text: 'Certificate chain, PEM. With `tls.key`: HTTPS only.',
  }),
  key: setting(path().optional(), {
    argument: 'FILE',
    fallback: 'none',
    text: 'Private key of the certificate, PEM.',
  }),
  minVersion: setting(oneOf(['TLSv1.2', 'TLSv1.3']).prefault('TLSv1.2'), {
    argument: 'VERSION',
    text: 'Lowest TLS version. `TLSv1.3` needs `transport: node-http`.',
  }),
});

const engine = z.strictObject({
  backend: setting(oneOf(['auto', 'native', 'node', 'noble']).prefault('auto'), {
    argument: 'NAME',
    env: 'KEYSTREL_BACKEND',
    text:
      'Cryptographic backend: `auto` takes the native addon where it loads and passes its ' +
      'self-test, else node:crypto; `native` refuses to start without it; `node` and `noble` ' +
      'force a fallback.',
  }),
  dispatch: setting(oneOf(['auto', 'pool', 'inline']).prefault('auto'), {
    argument: 'MODE',
    text: 'Where frames run: by measured cost, always on worker threads, or always in place.',
  }),
  threads: setting(count(0, 256).prefault(0), {
    argument: 'N',
    text: 'Worker threads; 0: as many as cores, at least 2.',
  }),
  batchMax: setting(count(1, 1024).prefault(64), {
    argument: 'N',
    text: 'Most jobs of one frame.',
  }),
});

const attestation = z.strictObject({
  rootFile: setting(path().optional(), {
    argument: 'FILE',
    fallback: 'none: requests with a Recipient are refused',
    text:
      'Root certificates, PEM, that attestation documents of Nitro Enclaves and NitroTPM must ' +
      'chain to (`Recipient` of Decrypt and others).',
  }),
});

const limits = z.strictObject({
  bodyBytes: setting(count(1024, 16 * 1024 * 1024).prefault(BODY_BYTES_MAX), {
    argument: 'BYTES',
    text: 'Longest request body.',
  }),
  headerBytes: setting(count(1024, 1024 * 1024).prefault(HEADER_BYTES_MAX), {
    argument: 'BYTES',
    text: 'Longest request head.',
  }),
  headers: setting(count(8, 1000).prefault(HEADERS_MAX), {
    argument: 'N',
    text: 'Most header lines of a request.',
  }),
  connections: setting(count(1, 1_000_000).prefault(CONNECTIONS_MAX), {
    argument: 'N',
    text: 'Most open connections.',
  }),
  idleTimeoutMs: setting(count(100, 3_600_000).prefault(IDLE_TIMEOUT_MS), {
    argument: 'MS',
    text: 'Milliseconds without traffic after which a connection is closed.',
  }),
  bodyTimeoutMs: setting(count(100, 3_600_000).prefault(BODY_TIMEOUT_MS), {
    argument: 'MS',
    text: 'Milliseconds from the end of a head to the end of its body.',
  }),
  keys: setting(count(1, 10_000_000).prefault(RESOURCE_QUOTAS.keys), {
    argument: 'N',
    text: 'Most customer managed keys of an account in a Region, in any state.',
  }),
  aliasesPerKey: setting(count(0, 10_000).prefault(RESOURCE_QUOTAS.aliasesPerKey), {
    argument: 'N',
    text: 'Most aliases of a key.',
  }),
  grantsPerKey: setting(count(0, 1_000_000).prefault(RESOURCE_QUOTAS.grantsPerKey), {
    argument: 'N',
    text: 'Most grants of a key.',
  }),
  tagsPerKey: setting(count(0, 1_000).prefault(RESOURCE_QUOTAS.tagsPerKey), {
    argument: 'N',
    text: 'Most tags of a key.',
  }),
  onDemandRotationsPerKey: setting(
    count(0, 10_000).prefault(RESOURCE_QUOTAS.onDemandRotationsPerKey),
    { argument: 'N', text: 'Most rotations on demand of a key, over its life.' },
  ),
  policyBytes: setting(count(1024, POLICY_CHARS_MAX).prefault(RESOURCE_QUOTAS.policyBytes), {
    argument: 'BYTES',
    text: 'Longest key policy.',
  }),
});

const shape = {
  dev: setting(toggle().prefault(false), {
    text:
      'Development mode, on loopback addresses only: signatures are not checked, quotas are off, ' +
      'data is in memory unless `data` is given.',
  }),
  data: setting(path().optional(), {
    argument: 'DIR',
    fallback: 'none; required but in development mode',
    text: 'Data directory: store, root key, audit log.',
  }),
  listen: setting(address.prefault('127.0.0.1:8080'), {
    argument: 'HOST:PORT',
    text: 'Address of the KMS API; port 0 takes any free one.',
  }),
  adminListen: setting(addressOrOff.prefault('127.0.0.1:8081'), {
    argument: 'HOST:PORT',
    text: 'Address of /healthz, /readyz, /livez and /metrics, plain HTTP without signatures; `off` for none.',
  }),
  region: setting(
    z
      .string()
      .regex(/^[a-z][a-z0-9-]{1,30}[a-z0-9]$/, { error: 'must be like us-east-1' })
      .optional(),
    {
      argument: 'NAME',
      fallback: 'us-east-1; after init, what it was made with',
      text: 'Home Region of the deployment, set by init. Later it may be given as a check only.',
    },
  ),
  regions: setting(regions.optional(), {
    argument: 'NAME,NAME',
    fallback: 'what init was given, else the home Region alone; in development mode every Region',
    text:
      'Regions that are served, each as a world of its own but for multi-Region keys; a list, all ' +
      'of one partition of AWS (`aws`, `aws-cn` for `cn-*`, `aws-us-gov` for `us-gov-*`). At init ' +
      'the first is the home Region unless `region` says so. More may be added at any start, ' +
      'and keys of a Region that is left out stay where they are.',
  }),
  account: setting(
    z
      .string()
      .regex(/^\d{12}$/, { error: 'must be 12 digits' })
      .optional(),
    {
      argument: 'DIGITS',
      fallback: 'random; after init, what it was made with',
      text: 'Account of the deployment, 12 digits, set by init. Later it may be given as a check only.',
    },
  ),
  quota: setting(quota.optional(), {
    argument: 'aws|off|FILE',
    fallback: 'aws; off in development mode',
    text:
      "Request quotas: AWS's numbers, none, or a YAML or JSON file of quota names to requests per " +
      'second that override them; the name `default` sets every quota.',
  }),
  services: setting(services, {
    argument: 'NAMES',
    fallback: 'none',
    text:
      'Services that have keys of their own, separated by commas (in YAML, a list): for `s3` there ' +
      'is `alias/aws/s3`, whose key is made when `s3.amazonaws.com` first uses it.',
  }),
  transport: setting(oneOf(['uws', 'node-http']).prefault('uws'), {
    argument: 'NAME',
    text: 'HTTP implementation: uWebSockets.js or node:http.',
  }),
  logLevel: setting(
    oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).prefault('info'),
    { argument: 'LEVEL', text: 'Least important messages of the log on stderr.' },
  ),
  graceMs: setting(count(0, 600_000).prefault(SHUTDOWN_GRACE_MS), {
    argument: 'MS',
    text: 'After SIGTERM or SIGINT: milliseconds for requests in flight to end.',
  }),
};

const sections = { seal, audit, tls, engine, attestation, limits };

const schema = z.strictObject({
  ...shape,
  seal: seal.prefault({}),
  audit: audit.prefault({}),
  tls: tls.prefault({}),
  engine: engine.prefault({}),
  attestation: attestation.prefault({}),
  limits: limits.prefault({}),
});

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** Config is checked and complete but for what `undefined` says. */
export type Config = DeepReadonly<z.output<typeof schema>>;
/** What may be given: every setting is optional. */
export type ConfigInput = z.input<typeof schema>;

/** One setting, as flags, variables, `--help` and the docs need it. */
export interface Setting {
  /** Keys of the YAML file, joined by dots. */
  readonly path: string;
  readonly flag: string;
  readonly env: string;
  readonly argument: string | undefined;
  readonly fallback: string;
  readonly text: string;
}

function describe(name: string, field: z.ZodType): Setting {
  const info = registry.get(field);
  if (info === undefined) throw new Error(`setting ${name} has no description`);
  const words = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const dashed = words.replaceAll('.', '-');
  return Object.freeze({
    path: name,
    flag: `--${dashed}`,
    env: info.env ?? `KEYSTREL_${dashed.replaceAll('-', '_').toUpperCase()}`,
    argument: info.argument,
    fallback:
      field instanceof z.ZodPrefault ? String(field.def.defaultValue) : (info.fallback ?? ''),
    text: info.text,
  });
}

/** Every setting, in the order of the docs. */
export const SETTINGS: readonly Setting[] = Object.freeze([
  ...Object.entries(shape).map(([name, field]) => describe(name, field)),
  ...Object.entries(sections).flatMap(([section, object]) =>
    Object.entries(object.shape).map(([name, field]) => describe(`${section}.${name}`, field)),
  ),
]);

/** Rules that look at more than one setting: [setting, text] of each that is broken. */
function contradictions(config: Config): readonly (readonly [string, string])[] {
  const found: [string, string][] = [];
  if (config.dev && !isLoopback(config.listen.host)) {
    const text = `development mode checks no signature and is refused on ${config.listen.host}`;
    found.push(['listen', `${text}: loopback only`]);
  }
  if ((config.tls.cert === undefined) !== (config.tls.key === undefined)) {
    const absent = config.tls.cert === undefined ? 'cert' : 'key';
    found.push([`tls.${absent}`, 'certificate and key go together']);
  }
  if (config.tls.minVersion === 'TLSv1.3' && config.transport === 'uws') {
    found.push(['tls.minVersion', 'TLSv1.3 alone needs transport node-http']);
  }
  const { region, regions } = config;
  if (regions !== undefined && new Set(regions).size < regions.length) {
    found.push(['regions', 'a Region is named twice']);
  }
  const partitions = new Set(regions?.map(partitionOf));
  if (partitions.size > 1) {
    found.push(['regions', `Regions of more than one partition: ${[...partitions].join(', ')}`]);
  }
  if (region !== undefined && regions?.includes(region) === false) {
    found.push(['regions', `the home Region ${region} is not among them`]);
  }
  if (config.seal.passphraseFile !== undefined && config.seal.passphraseEnv !== undefined) {
    found.push(['seal.passphraseEnv', 'give a file or a variable, not both']);
  }
  return found;
}

/**
 * Checks `input` and fills in defaults.
 * @param origins Where the value of a setting came from, by path; for messages.
 * @throws ConfigError of the first setting that is wrong
 */
export function parseConfig(input: unknown, origins?: ReadonlyMap<string, string>): Config {
  const parsed = schema.safeParse(input);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const parts = issue.path.map(String);
    if (issue.code === 'unrecognized_keys') {
      const name = [...parts, issue.keys[0]].join('.');
      throw new ConfigError(name, 'there is no such setting', origins?.get(''));
    }
    const name = parts.join('.');
    throw new ConfigError(name || 'configuration', issue.message, origins?.get(name));
  }
  const broken = contradictions(parsed.data)[0];
  if (broken !== undefined) throw new ConfigError(broken[0], broken[1], origins?.get(broken[0]));
  return Object.freeze(parsed.data);
}
