/** Flags, variables, the YAML file and defaults, in this order, and what is refused in each. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/cli/config-sources.js';
import { SETTINGS } from '../../src/core/config.js';

const directory = mkdtempSync(join(tmpdir(), 'keystrel-config-'));
afterAll(() => rmSync(directory, { recursive: true }));

interface Given {
  readonly flags?: Readonly<Record<string, string | boolean>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly yaml?: string;
}

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

const load = ({ flags = {}, env = {}, yaml }: Given) =>
  loadConfig({
    flags: new Map(Object.entries(flags)),
    env,
    file: yaml === undefined ? undefined : file('keystrel.yaml', yaml),
  });

test('a flag goes before a variable, a variable before the file, the file before the default', async () => {
  const yaml = 'tls: {cert: f, key: f}\nlogLevel: error\ngraceMs: 1\ntransport: node-http\n';
  const env = { KEYSTREL_TLS_CERT: 'v', KEYSTREL_LOG_LEVEL: 'debug', KEYSTREL_GRACE_MS: '2' };
  const config = await load({ yaml, env, flags: { 'tls.cert': 'flag', graceMs: '3' } });
  expect(config).toMatchObject({
    tls: { cert: 'flag', key: 'f', minVersion: 'TLSv1.2' },
    logLevel: 'debug',
    graceMs: 3,
    transport: 'node-http',
    listen: { host: '127.0.0.1', port: 8080 },
  });
});

test('every setting can be given by its variable and in the file', async () => {
  const values: Record<string, string> = {
    dev: 'true',
    data: '/d',
    listen: '127.0.0.1:1',
    adminListen: '127.0.0.1:2',
    region: 'eu-west-3',
    regions: 'eu-west-3, ap-southeast-2',
    account: '123456789012',
    quota: 'off',
    services: 's3,ebs',
    transport: 'node-http',
    logLevel: 'silent',
    graceMs: '5',
    'seal.kind': 'passphrase',
    'seal.passphraseFile': '/p',
    'seal.passphraseEnv': 'P',
    'audit.directory': '/a',
    'audit.durability': 'write',
    'audit.maxBytes': '65536',
    'tls.cert': '/c',
    'tls.key': '/k',
    'tls.minVersion': 'TLSv1.3',
    'engine.backend': 'node',
    'engine.dispatch': 'pool',
    'engine.threads': '3',
    'engine.batchMax': '7',
    'attestation.rootFile': '/roots.pem',
    'limits.bodyBytes': '2000',
    'limits.headerBytes': '2001',
    'limits.headers': '9',
    'limits.connections': '10',
    'limits.idleTimeoutMs': '2002',
    'limits.bodyTimeoutMs': '2003',
    'limits.keys': '2004',
    'limits.aliasesPerKey': '2005',
    'limits.grantsPerKey': '2006',
    'limits.tagsPerKey': '207',
    'limits.onDemandRotationsPerKey': '2008',
    'limits.policyBytes': '2009',
  };
  expect(Object.keys(values)).toEqual(SETTINGS.map((setting) => setting.path));
  const fallback = await load({});
  for (const { path, env } of SETTINGS) {
    const needs = /^tls\./.test(path)
      ? { 'tls.cert': '/c', 'tls.key': '/k', transport: 'node-http' }
      : {};
    const byVariable = await load({ flags: needs, env: { [env]: values[path]! } });
    const byFlag = await load({ flags: { ...needs, [path]: values[path]! } });
    const [section, name] = path.split('.') as [string, string?];
    const yaml =
      name === undefined
        ? `${section}: ${quoted(values[path]!)}`
        : `${section}: {${name}: ${values[path]}}`;
    const byFile = await load({ flags: needs, yaml });
    expect(byVariable).not.toEqual(fallback);
    expect(byFlag).toEqual(byVariable);
    expect(byFile).toEqual(byVariable);
  }
});

/** YAML would take 12 digits for a number. */
const quoted = (value: string) => (/^\d{12}$/.test(value) ? `'${value}'` : value);

describe('refused', () => {
  const cases: [string, Given, RegExp][] = [
    ['a mistyped variable', { env: { KEYSTREL_LISTN: 'x' } }, /^KEYSTREL_LISTN: .*no such setting/],
    ['a fault switch', { env: { KEYSTREL_FAULTS: '1' } }, /^KEYSTREL_FAULTS: .*tests alone/],
    ['a bad flag', { flags: { listen: 'x' } }, /^listen: .*\(from --listen\)$/],
    ['a bad variable', { env: { KEYSTREL_BACKEND: 'x' } }, /^engine\.backend: .*KEYSTREL_BACKEND/],
    [
      'a bad value of the file',
      { yaml: 'tls: {minVersion: 1}' },
      /^tls\.minVersion: .*keystrel\.yaml/,
    ],
    ['an unknown key of the file', { yaml: 'tls: {ca: x}' }, /^tls\.ca: .*no such/],
    ['a list', { yaml: '- a' }, /^config: .*mapping/],
    ['no YAML', { yaml: 'a: [' }, /^config: .*no YAML/],
    ['a key twice', { yaml: 'data: a\ndata: b' }, /^config: .*no YAML/],
    ['aliases', { yaml: 'data: &a x\nregion: *a' }, /^config: .*aliases/],
    ['a section that is text', { yaml: 'tls: x', flags: { 'tls.cert': 'c' } }, /^tls: /],
    ['a quota file that is not there', { flags: { quota: '/no/such' } }, /^quota: .*ENOENT/],
    [
      'a configuration file that is not there',
      { env: { KEYSTREL_CONFIG: '/no/such' } },
      /^config: .*ENOENT/,
    ],
  ];
  test.each(cases)('%s', async (_name, given, message) => {
    await expect(load(given)).rejects.toThrow(message);
  });
});

test('a quota file is YAML or JSON of rates, and may stand in the file itself', async () => {
  const yaml = file('quota.yaml', 'default: 7\nCreateKey: 0.5\n');
  const json = file('quota.json', '{"default": 7, "CreateKey": 0.5}');
  const quota = { default: 7, CreateKey: 0.5 };
  expect((await load({ flags: { quota: yaml } })).quota).toEqual(quota);
  expect((await load({ env: { KEYSTREL_QUOTA: json } })).quota).toEqual(quota);
  expect((await load({ yaml: `quota: ${yaml}` })).quota).toEqual(quota);
  expect((await load({ yaml: 'quota: {default: 7, CreateKey: 0.5}' })).quota).toEqual(quota);
  const bad = file('bad.yaml', 'CreateKey: fast');
  await expect(load({ flags: { quota: bad } })).rejects.toThrow(/^quota/);
});

test('what is no setting of ours is let be', async () => {
  const env = {
    PATH: '/bin',
    KEYSTREL_LISTEN: '',
    KEYSTREL_CPU: 'generic',
    KEYSTREL_SKIP_NATIVE: '1',
    KEYSTREL_SERVICE_HOST: '10.0.0.1',
    KEYSTREL_PORT_8080_TCP_ADDR: '10.0.0.1',
    KEYSTREL_PORT: 'tcp://10.0.0.1:8080',
    KEYSTREL_PASSPHRASE: 'correct horse battery',
    KEYSTREL_SEAL_PASSPHRASE_ENV: 'KEYSTREL_PASSPHRASE',
  };
  expect((await load({ env })).listen).toEqual({ host: '127.0.0.1', port: 8080 });
});
