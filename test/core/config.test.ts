/** Settings: what is refused and how it is named, defaults, and docs/configuration.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError, isLoopback, parseConfig, SETTINGS } from '../../src/core/config.js';
import { configurationDoc } from './configuration-doc.js';

const root = new URL('../..', import.meta.url).pathname;

test('without anything given, every default holds', () => {
  expect(parseConfig({})).toEqual({
    dev: false,
    listen: { host: '127.0.0.1', port: 8080 },
    adminListen: { host: '127.0.0.1', port: 8081 },
    transport: 'uws',
    logLevel: 'info',
    graceMs: 10_000,
    seal: {},
    audit: { durability: 'fsync', maxBytes: 134_217_728 },
    tls: { minVersion: 'TLSv1.2' },
    engine: { backend: 'auto', dispatch: 'auto', threads: 0, batchMax: 64 },
    attestation: {},
    limits: {
      bodyBytes: 524_288,
      headerBytes: 16_384,
      headers: 64,
      connections: 4096,
      idleTimeoutMs: 60_000,
      bodyTimeoutMs: 10_000,
      keys: 100_000,
      aliasesPerKey: 50,
      grantsPerKey: 50_000,
      tagsPerKey: 50,
      onDemandRotationsPerKey: 25,
      policyBytes: 32_768,
    },
  });
});

describe('refused, by the name of the setting', () => {
  const cases: [string, unknown, string, RegExp][] = [
    ['an unknown key', { lisen: 'x:1' }, 'lisen', /no such setting/],
    ['an unknown key of a section', { tls: { crt: 'x' } }, 'tls.crt', /no such setting/],
    ['a key that is no name', JSON.parse('{"__proto__": {"dev": true}}'), '__proto__', /no such/],
    ['a section that is no mapping', { tls: 'x' }, 'tls', /object/],
    ['an address without port', { listen: 'localhost' }, 'listen', /HOST:PORT/],
    ['an address with a port too high', { listen: '127.0.0.1:65536' }, 'listen', /HOST:PORT/],
    ['bare IPv6', { listen: '::1:80' }, 'listen', /HOST:PORT/],
    ['an admin address', { adminListen: 'no' }, 'adminListen', /off/],
    ['a number with letters', { graceMs: '10s' }, 'graceMs', /whole number/],
    ['a fraction', { limits: { headers: 9.5 } }, 'limits.headers', /whole number/],
    ['a number out of range', { limits: { bodyBytes: 1 } }, 'limits.bodyBytes', /from 1024/],
    ['a choice', { transport: 'http2' }, 'transport', /uws, node-http/],
    ['a backend', { engine: { backend: 'fast' } }, 'engine.backend', /auto, native, node, noble/],
    ['a switch', { dev: 'yes' }, 'dev', /true or false/],
    ['a region', { region: 'US East' }, 'region', /us-east-1/],
    ['Regions', { regions: 'us-east-1,Mars' }, 'regions.1', /list of Regions/],
    ['no Region', { regions: [] }, 'regions', /must name/],
    [
      'Regions of two partitions',
      { regions: 'us-east-1,cn-north-1' },
      'regions',
      /more than one partition: aws, aws-cn/,
    ],
    ['a Region twice', { regions: ['us-east-1', 'us-east-1'] }, 'regions', /twice/],
    [
      'a home Region that is not served',
      { region: 'eu-west-1', regions: ['us-east-1'] },
      'regions',
      /eu-west-1 is not among/,
    ],
    ['an account', { account: '123' }, 'account', /12 digits/],
    ['a service', { services: ['s3', 'S3'] }, 'services.1', /named like s3/],
    ['services that are no list', { services: 7 }, 'services', /s3,ebs/],
    ['a quota', { quota: 'none' }, 'quota', /aws, off/],
    ['a negative quota', { quota: { CreateKey: -1 } }, 'quota.CreateKey', /from 0/],
    ['a certificate alone', { tls: { cert: 'c.pem' } }, 'tls.key', /together/],
    ['a key alone', { tls: { key: 'k.pem' } }, 'tls.cert', /together/],
    [
      'two passphrases',
      { seal: { passphraseFile: 'a', passphraseEnv: 'B' } },
      'seal.passphraseEnv',
      /not both/,
    ],
    ['TLS 1.3 alone on uws', { tls: { minVersion: 'TLSv1.3' } }, 'tls.minVersion', /node-http/],
    ['nothing at all', null, 'configuration', /object/],
  ];
  test.each(cases)('%s', (_name, input, setting, text) => {
    let thrown: unknown;
    try {
      parseConfig(input);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ConfigError);
    expect((thrown as ConfigError).setting).toBe(setting);
    expect((thrown as ConfigError).message).toMatch(text);
    expect((thrown as ConfigError).message.startsWith(`${setting}: `)).toBe(true);
  });

  test('with the place that it came from', () => {
    const origins = new Map([['listen', 'KEYSTREL_LISTEN']]);
    expect(() => parseConfig({ listen: 'x' }, origins)).toThrow(/\(from KEYSTREL_LISTEN\)$/);
  });
});

test('development mode is refused on any address that others reach', () => {
  for (const host of [
    '0.0.0.0',
    '10.0.0.1',
    '192.168.1.2',
    '[::]',
    'example.com',
    '127.0.0.1.nip.io',
  ]) {
    expect(() => parseConfig({ dev: true, listen: `${host}:8080` })).toThrow(/^listen: .*loopback/);
  }
  for (const host of ['127.0.0.1', '127.8.9.10', 'localhost', '[::1]']) {
    expect(parseConfig({ dev: true, listen: `${host}:8080` }).dev).toBe(true);
  }
  expect(isLoopback('128.0.0.1')).toBe(false);
});

test('text of flags and variables is read as what it stands for', () => {
  const config = parseConfig({
    dev: '1',
    listen: '[::1]:0',
    adminListen: 'off',
    limits: { headers: '100' },
    quota: { default: 5, CreateKey: 0.5 },
  });
  expect(config).toMatchObject({
    dev: true,
    listen: { host: '::1', port: 0 },
    limits: { headers: 100 },
    quota: { default: 5, CreateKey: 0.5 },
  });
  expect(config.adminListen).toBeUndefined();
});

test('flags and variables are each named once', () => {
  for (const name of ['path', 'flag', 'env'] as const) {
    expect(new Set(SETTINGS.map((setting) => setting[name])).size).toBe(SETTINGS.length);
  }
  for (const { text, fallback } of SETTINGS) {
    expect(text.length).toBeGreaterThan(10);
    expect(fallback).not.toBe('');
  }
});

test('docs/configuration.md is in step with the settings', () => {
  const path = join(root, 'docs/configuration.md');
  const text = configurationDoc();
  if (process.env.UPDATE_DOCS === '1') writeFileSync(path, text);
  expect(readFileSync(path, 'utf8')).toBe(text);
});
