/** The profiles: AWS's numbers, overrides, refusals, and docs/quotas.md against them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Key } from '../../src/keys/key.js';
import { OPERATIONS } from '../../src/operations/registry.js';
import { KEY_SPECS, keySpecRow } from '../../src/specs/key-specs.js';
import { type QuotaSetting, quotaProfile } from '../../src/throttle/quota-profile.js';
import { quotasDoc } from './quotas-doc.js';

const aws = quotaProfile('aws');

test.each([
  ['us-east-1', 'crypto-symmetric', 100_000],
  ['us-west-2', 'crypto-symmetric', 100_000],
  ['eu-west-1', 'crypto-symmetric', 100_000],
  ['us-east-2', 'crypto-symmetric', 20_000],
  ['eu-central-1', 'crypto-symmetric', 20_000],
  ['eu-west-2', 'crypto-symmetric', 20_000],
  ['eu-north-1', 'crypto-symmetric', 10_000],
  ['us-east-1', 'crypto-rsa', 1_000],
  ['us-east-1', 'crypto-ecc', 1_000],
  ['us-east-1', 'GenerateDataKeyPair:ECC_NIST_P256', 100],
  ['us-east-1', 'GenerateDataKeyPair:RSA_2048', 20],
  ['us-east-1', 'GenerateDataKeyPair:RSA_3072', 4],
  ['us-east-1', 'GenerateDataKeyPair:RSA_4096', 1],
  ['cn-north-1', 'GenerateDataKeyPair:ECC_NIST_P256', 100],
  ['cn-north-1', 'GenerateDataKeyPair:RSA_2048', 1],
  ['cn-northwest-1', 'GenerateDataKeyPair:RSA_3072', 0.5],
  ['cn-northwest-1', 'GenerateDataKeyPair:RSA_4096', 0.1],
  ['cn-north-1', 'GenerateDataKeyPair:SM2', 25],
  ['eu-west-1', 'CreateKey', 5],
  ['eu-west-1', 'ScheduleKeyDeletion', 15],
  ['eu-west-1', 'ListKeys', 500],
  ['eu-west-1', 'DescribeKey', 2_000],
  ['eu-west-1', 'GetParametersForImport', 1],
])('%s %s is %d per second', (region, quota, rate) => {
  expect(aws.rate(region, quota)).toBe(rate);
});

test('every quota that an operation draws on is known', () => {
  const keys = KEY_SPECS.map((spec) => ({ spec }) as Key);
  const pairs = KEY_SPECS.filter((row) => row.dataKeyPair).map((row) => row.spec);
  let drawn = 0;
  for (const operation of OPERATIONS) {
    for (const key of keys) {
      for (const KeyPairSpec of pairs) {
        const second = { spec: keySpecRow(KeyPairSpec) } as Key;
        for (const { quota } of operation.quota({ KeyPairSpec }, [key, second])) {
          expect(aws.rate('eu-west-1', quota)).toBeGreaterThan(0);
          drawn++;
        }
      }
    }
  }
  expect(drawn).toBeGreaterThan(OPERATIONS.length);
});

describe('a record of rates', () => {
  test('replaces the defaults by name, in every Region', () => {
    const profile = quotaProfile({ 'crypto-symmetric': 7.5, CreateKey: Infinity });
    expect(profile.rate('us-east-1', 'crypto-symmetric')).toBe(7.5);
    expect(profile.rate('eu-north-1', 'crypto-symmetric')).toBe(7.5);
    expect(profile.rate('eu-north-1', 'CreateKey')).toBe(Infinity);
    expect(profile.rate('eu-north-1', 'ListKeys')).toBe(500);
    expect(profile.hotKeyRate).toBe(2);
  });

  test('default sets all that is not named, but the hot key', () => {
    const profile = quotaProfile({ default: 3, CreateKey: 9, 'hot-key': 0.5 });
    for (const name of profile.names) {
      expect(profile.rate('us-east-1', name)).toBe(name === 'CreateKey' ? 9 : 3);
    }
    expect(profile.hotKeyRate).toBe(0.5);
    expect(quotaProfile({ default: 3 }).hotKeyRate).toBe(2);
  });

  test.each<[string, unknown, RegExp]>([
    ['an unknown name', { CreateKeys: 5 }, /^limits: there is no quota named "CreateKeys"$/],
    ['a name of Object’s', { constructor: 5 }, /no quota named "constructor"/],
    ['a negative rate', { CreateKey: -1 }, /^limits\.CreateKey: .* and not -1$/],
    ['zero', { CreateKey: 0 }, /^limits\.CreateKey: .* and not 0$/],
    ['NaN', { default: Number.NaN }, /^limits\.default: .* and not NaN$/],
    ['minus infinity', { default: -Infinity }, /^limits\.default: .* and not -Infinity$/],
    ['text', { ListKeys: '5' }, /^limits\.ListKeys: /],
    ['null', { ListKeys: null }, /^limits\.ListKeys: .* and not null$/],
    ['too fast', { 'hot-key': 1e9 }, /^limits\.hot-key: /],
    ['too slow', { 'hot-key': 1e-9 }, /^limits\.hot-key: /],
    ['another word', 'calm', /^limits: must be aws, off, or/],
    ['a list', [5], /^limits: must be aws, off, or/],
    ['nothing', null, /^limits: must be aws, off, or/],
  ])('%s is refused by name', (_what, setting, message) => {
    expect(() => quotaProfile(setting as QuotaSetting, 'limits')).toThrow(message);
  });
});

test('off: every rate is infinite', () => {
  const off = quotaProfile('off');
  for (const name of off.names) expect(off.rate('us-east-1', name)).toBe(Infinity);
  expect(off.hotKeyRate).toBe(Infinity);
});

test('docs/quotas.md is in step with the profile', () => {
  const path = join(new URL('../..', import.meta.url).pathname, 'docs/quotas.md');
  const text = quotasDoc();
  if (process.env.UPDATE_DOCS === '1') writeFileSync(path, text);
  expect(readFileSync(path, 'utf8')).toBe(text);
});
