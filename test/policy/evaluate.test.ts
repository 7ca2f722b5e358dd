/** What one policy says about one request: principals, actions, resources, conditions, Deny. */
import { describe, expect, test } from 'vitest';
import { defaultKeyPolicy, policyText } from '../../src/policy/default-policy.js';
import { evaluatePolicy, type PolicyCaller } from '../../src/policy/evaluate.js';
import { parsePolicy } from '../../src/policy/parse.js';

const ACCOUNT = '111122223333';
const KEY = `arn:aws:kms:eu-central-1:${ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
const ROOT: PolicyCaller = { account: ACCOUNT, arn: `arn:aws:iam::${ACCOUNT}:root`, kind: 'root' };
const ANN: PolicyCaller = {
  account: ACCOUNT,
  arn: `arn:aws:iam::${ACCOUNT}:user/team/ann`,
  kind: 'user',
};
const SESSION: PolicyCaller = {
  account: ACCOUNT,
  arn: `arn:aws:sts::${ACCOUNT}:assumed-role/Builder/s1`,
  kind: 'role',
};
const STRANGER: PolicyCaller = {
  account: '444455556666',
  arn: 'arn:aws:iam::444455556666:user/ann',
  kind: 'user',
};

type Context = Readonly<Record<string, string | readonly string[]>>;

function decide(
  statements: object | object[],
  principal: PolicyCaller,
  context: Context = {},
  action = 'kms:PutKeyPolicy',
) {
  const document = parsePolicy(JSON.stringify({ Statement: statements }), 'aws');
  const entries = Object.entries(context).map(
    ([name, value]) => [name.toLowerCase(), typeof value === 'string' ? [value] : value] as const,
  );
  return evaluatePolicy(document, { action, resource: KEY, principal, context: new Map(entries) });
}

const allow = (fields: object) => ({
  Effect: 'Allow',
  Action: 'kms:*',
  Resource: '*',
  Principal: '*',
  ...fields,
});
const deny = (fields: object) => ({ ...allow(fields), Effect: 'Deny' });

describe('principals', () => {
  test.each<[string, unknown, ...string[]]>([
    ['an account', { AWS: ACCOUNT }, 'allowed', 'delegated', 'delegated', 'silent'],
    ['its root', { AWS: ROOT.arn }, 'allowed', 'delegated', 'delegated', 'silent'],
    ['everyone', '*', 'allowed', 'allowed', 'allowed', 'allowed'],
    ['a user', { AWS: ANN.arn }, 'silent', 'allowed', 'silent', 'silent'],
    ['a role', { AWS: `arn:aws:iam::${ACCOUNT}:role/path/Builder` }, ...silentBut(SESSION)],
    ['another role', { AWS: `arn:aws:iam::${ACCOUNT}:role/Build` }, ...silentBut(undefined)],
    ['a session', { AWS: SESSION.arn }, ...silentBut(SESSION)],
    ['a service', { Service: 's3.amazonaws.com' }, ...silentBut(undefined)],
    ['a provider', { Federated: 'accounts.google.com' }, ...silentBut(undefined)],
  ])('%s', (_name, Principal, root, user, session, stranger) => {
    const found = [ROOT, ANN, SESSION, STRANGER].map((who) => decide(allow({ Principal }), who));
    expect(found).toEqual([root, user, session, stranger]);
  });

  function silentBut(who: PolicyCaller | undefined): string[] {
    return [ROOT, ANN, SESSION, STRANGER].map((one) => (one === who ? 'allowed' : 'silent'));
  }

  test('a service is who bears its name, not a user called so', () => {
    const name = 's3.amazonaws.com';
    const service = {
      account: ACCOUNT,
      arn: `arn:aws:iam::${ACCOUNT}:service/${name}`,
      kind: 'service',
      name,
    } as const;
    const allowed = allow({ Principal: { Service: name } });
    expect(decide(allowed, service)).toBe('allowed');
    expect(decide(allowed, { ...service, name: 'ebs.amazonaws.com' })).toBe('silent');
    expect(decide(allowed, { ...service, kind: 'user' })).toBe('silent');
  });

  test('an allowance of the principal itself counts for more than that of its account', () => {
    const own = allow({ Principal: { AWS: ANN.arn } });
    const account = allow({ Principal: { AWS: ACCOUNT } });
    expect(decide([own, account], ANN)).toBe('allowed');
    expect(decide([account, own], ANN)).toBe('allowed');
  });

  test('denying an account denies all who belong to it', () => {
    for (const who of [ROOT, ANN, SESSION]) {
      expect(decide([allow({}), deny({ Principal: { AWS: ACCOUNT } })], who)).toBe('denied');
    }
    expect(decide([allow({}), deny({ Principal: { AWS: ACCOUNT } })], STRANGER)).toBe('allowed');
  });

  test('NotPrincipal spares who is named', () => {
    const but = [allow({}), deny({ Principal: undefined, NotPrincipal: { AWS: ANN.arn } })];
    expect(decide(but, ANN)).toBe('allowed');
    expect(decide(but, ROOT)).toBe('denied');
    expect(decide(but, STRANGER)).toBe('denied');
  });
});

test.each([
  ['kms:*', true],
  ['*', true],
  ['kms:Put*', true],
  ['KMS:putkeypolicy', true],
  ['kms:PutKeyPolic?', true],
  ['kms:Get*', false],
  ['s3:*', false],
])('action %s', (Action, matches) => {
  expect(decide(allow({ Action }), ANN)).toBe(matches ? 'allowed' : 'silent');
  const but = allow({ Action: undefined, NotAction: Action });
  expect(decide(but, ANN)).toBe(matches ? 'silent' : 'allowed');
});

test('resources; and statements without an action or a resource have no effect', () => {
  expect(decide(allow({ Resource: KEY }), ANN)).toBe('allowed');
  expect(decide(allow({ Resource: `${KEY}x` }), ANN)).toBe('silent');
  expect(decide(allow({ Resource: undefined }), ANN)).toBe('silent');
  expect(decide(allow({ Action: undefined }), ANN)).toBe('silent');
  expect(decide([allow({}), deny({ Resource: undefined })], ANN)).toBe('allowed');
});

describe('conditions', () => {
  const MFA = { 'aws:MultiFactorAuthPresent': 'true' };
  test.each<[string, object, Context, boolean]>([
    [
      'equal',
      { StringEquals: { 'kms:CallerAccount': ACCOUNT } },
      { 'kms:CallerAccount': ACCOUNT },
      true,
    ],
    ['one of two', { StringEquals: { 'kms:X': ['a', 'b'] } }, { 'kms:X': 'b' }, true],
    ['another case', { StringEquals: { 'kms:X': 'A' } }, { 'kms:X': 'a' }, false],
    ['case ignored', { StringEqualsIgnoreCase: { 'kms:X': 'A' } }, { 'kms:X': 'a' }, true],
    ['key in another case', { StringEquals: { 'KMS:x': 'a' } }, { 'kms:X': 'a' }, true],
    ['absent', { StringEquals: { 'kms:X': 'a' } }, {}, false],
    ['absent, IfExists', { StringEqualsIfExists: { 'kms:X': 'a' } }, {}, true],
    ['absent, negated', { StringNotEquals: { 'kms:X': 'a' } }, {}, true],
    ['none of two', { StringNotEquals: { 'kms:X': ['a', 'b'] } }, { 'kms:X': 'b' }, false],
    ['like', { StringLike: { 'kms:X': 'a*' } }, { 'kms:X': 'abc' }, true],
    ['not like', { StringNotLike: { 'kms:X': 'a*' } }, { 'kms:X': 'abc' }, false],
    ['a number', { NumericLessThanEquals: { 'kms:X': '10' } }, { 'kms:X': '9.5' }, true],
    ['no number', { NumericLessThan: { 'kms:X': '10' } }, { 'kms:X': 'few' }, false],
    [
      'a date',
      { DateGreaterThan: { 'aws:CurrentTime': '2026-01-01T00:00:00Z' } },
      { 'aws:CurrentTime': '2026-06-01T00:00:00Z' },
      true,
    ],
    ['epoch', { DateLessThan: { 'aws:EpochTime': 1_000 } }, { 'aws:EpochTime': '999' }, true],
    ['true', { Bool: MFA }, MFA, true],
    ['absent bool', { Bool: MFA }, {}, false],
    ['BoolIfExists', { BoolIfExists: MFA }, {}, true],
    ['null', { Null: { 'kms:X': 'true' } }, {}, true],
    ['not null', { Null: { 'kms:X': false } }, { 'kms:X': 'a' }, true],
    ['null, but present', { Null: { 'kms:X': true } }, { 'kms:X': 'a' }, false],
    [
      'a network',
      { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } },
      { 'aws:SourceIp': '10.9.9.9' },
      true,
    ],
    [
      'outside',
      { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } },
      { 'aws:SourceIp': '11.0.0.1' },
      false,
    ],
    [
      'not in',
      { NotIpAddress: { 'aws:SourceIp': '10.0.0.0/8' } },
      { 'aws:SourceIp': '11.0.0.1' },
      true,
    ],
    [
      'IPv6',
      { IpAddress: { 'aws:SourceIp': '2001:db8::/32' } },
      { 'aws:SourceIp': '2001:db8::1' },
      true,
    ],
    [
      'ARN',
      { ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:user/*' } },
      { 'aws:PrincipalArn': ANN.arn },
      true,
    ],
    [
      'not ARN',
      { ArnNotEquals: { 'aws:PrincipalArn': ANN.arn } },
      { 'aws:PrincipalArn': ANN.arn },
      false,
    ],
    ['any value', { 'ForAnyValue:StringEquals': { 'kms:X': 'a' } }, { 'kms:X': ['b', 'a'] }, true],
    ['any of none, negated', { 'ForAnyValue:StringNotEquals': { 'kms:X': 'a' } }, {}, false],
    ['any of none', { 'ForAnyValue:StringEquals': { 'kms:X': 'a' } }, {}, false],
    [
      'all values',
      { 'ForAllValues:StringEquals': { 'kms:X': ['a', 'b'] } },
      { 'kms:X': ['b', 'c'] },
      false,
    ],
    ['all of none', { 'ForAllValues:StringEquals': { 'kms:X': 'a' } }, {}, true],
    ['both must hold', { StringEquals: { 'kms:X': 'a', 'kms:Y': 'b' } }, { 'kms:X': 'a' }, false],
  ])('%s', (_name, Condition, context, expected) => {
    expect(decide(allow({ Condition }), ANN, context)).toBe(expected ? 'allowed' : 'silent');
    const but = [allow({}), deny({ Condition })];
    expect(decide(but, ANN, context)).toBe(expected ? 'denied' : 'allowed');
  });
});

test('the default policy: its layout, and that it delegates to the account', () => {
  const text = policyText(defaultKeyPolicy('us-east-1', ACCOUNT));
  expect(text).toBe(`{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::111122223333:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`);
  const request = { action: 'kms:Decrypt', resource: KEY, context: new Map() };
  expect(evaluatePolicy(parsePolicy(text, 'aws'), { ...request, principal: ANN })).toBe(
    'delegated',
  );
  expect(evaluatePolicy(parsePolicy(text, 'aws'), { ...request, principal: ROOT })).toBe('allowed');
});
