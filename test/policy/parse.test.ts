/** Key policies as text: what is read from them, and what is refused. */
import { expect, test } from 'vitest';
import { KmsError } from '../../src/core/errors.js';
import { parsePolicy } from '../../src/policy/parse.js';

const ROOT = 'arn:aws:iam::111122223333:root';
const STATEMENT = { Effect: 'Allow', Principal: { AWS: ROOT }, Action: 'kms:*', Resource: '*' };

const policy = (statement: object, members: object = {}) =>
  JSON.stringify({ Version: '2012-10-17', Statement: [statement], ...members });
const parse = (statement: object) => parsePolicy(policy(statement), 'aws').statements[0]!;

function refusal(text: string): string {
  try {
    parsePolicy(text, 'aws');
  } catch (error) {
    expect(error).toBeInstanceOf(KmsError);
    expect((error as KmsError).code).toBe('MalformedPolicyDocumentException');
    return (error as KmsError).message;
  }
  throw new Error('the policy was accepted');
}

function frozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(frozen);
}

test('a document is read, typed and frozen through and through', () => {
  const document = parsePolicy(
    JSON.stringify({
      Version: '2012-10-17',
      Id: 'key policy 1',
      Statement: [
        {
          Sid: 'Administrators of keys',
          Effect: 'Allow',
          Principal: {
            AWS: [
              '444455556666',
              'arn:aws:iam::111122223333:user/path/ann',
              'arn:aws:iam::111122223333:role/service-role/Builder',
              'arn:aws:sts::111122223333:assumed-role/Builder/session@1',
              'arn:aws:sts::111122223333:federated-user/bob',
            ],
            Service: 'logs.eu-central-1.amazonaws.com',
            Federated: 'cognito-identity.amazonaws.com',
          },
          Action: ['kms:Put*', 'kms:Get?eyPolicy'],
          NotResource: 'arn:aws:kms:eu-central-1:111122223333:key/x',
          Condition: {
            StringEqualsIfExists: { 'kms:CallerAccount': '111122223333' },
            'ForAnyValue:StringLike': { 'kms:EncryptionContextKeys': ['a*', 'b'] },
            Bool: { 'aws:MultiFactorAuthPresent': true, 'aws:SecureTransport': 'TRUE' },
            NumericLessThan: { 'kms:RotationPeriodInDays': 365 },
          },
        },
        { Effect: 'Deny', NotPrincipal: { AWS: ROOT }, NotAction: '*', Resource: ['*'] },
      ],
    }),
    'aws',
  );
  expect(document).toEqual({
    version: '2012-10-17',
    id: 'key policy 1',
    statements: [
      {
        sid: 'Administrators of keys',
        effect: 'Allow',
        principals: {
          negated: false,
          entries: [
            { kind: 'account', account: '444455556666' },
            {
              kind: 'user',
              account: '111122223333',
              arn: 'arn:aws:iam::111122223333:user/path/ann',
            },
            {
              kind: 'role',
              account: '111122223333',
              arn: 'arn:aws:iam::111122223333:role/service-role/Builder',
            },
            {
              kind: 'session',
              account: '111122223333',
              arn: 'arn:aws:sts::111122223333:assumed-role/Builder/session@1',
            },
            {
              kind: 'session',
              account: '111122223333',
              arn: 'arn:aws:sts::111122223333:federated-user/bob',
            },
            { kind: 'service', name: 'logs.eu-central-1.amazonaws.com' },
            { kind: 'federated', provider: 'cognito-identity.amazonaws.com' },
          ],
        },
        actions: { negated: false, patterns: ['kms:Put*', 'kms:Get?eyPolicy'] },
        resources: {
          negated: true,
          patterns: ['arn:aws:kms:eu-central-1:111122223333:key/x'],
        },
        conditions: [
          {
            operator: 'StringEquals',
            ifExists: true,
            quantifier: undefined,
            key: 'kms:CallerAccount',
            values: ['111122223333'],
          },
          {
            operator: 'StringLike',
            ifExists: false,
            quantifier: 'ForAnyValue',
            key: 'kms:EncryptionContextKeys',
            values: ['a*', 'b'],
          },
          {
            operator: 'Bool',
            ifExists: false,
            quantifier: undefined,
            key: 'aws:MultiFactorAuthPresent',
            values: ['true'],
          },
          {
            operator: 'Bool',
            ifExists: false,
            quantifier: undefined,
            key: 'aws:SecureTransport',
            values: ['TRUE'],
          },
          {
            operator: 'NumericLessThan',
            ifExists: false,
            quantifier: undefined,
            key: 'kms:RotationPeriodInDays',
            values: ['365'],
          },
        ],
      },
      {
        sid: undefined,
        effect: 'Deny',
        principals: { negated: true, entries: [{ kind: 'account', account: '111122223333' }] },
        actions: { negated: true, patterns: ['*'] },
        resources: { negated: false, patterns: ['*'] },
        conditions: [],
      },
    ],
  });
  expect(frozen(document)).toBe(true);
});

test('what may be left out: Version, Id, Sid, Action, Resource, the list around one statement', () => {
  const document = parsePolicy(
    JSON.stringify({ Statement: { Effect: 'Allow', Principal: '*' } }),
    'aws',
  );
  expect(document).toEqual({
    version: '2008-10-17',
    id: undefined,
    statements: [
      {
        sid: undefined,
        effect: 'Allow',
        principals: { negated: false, entries: [{ kind: 'everyone' }] },
        actions: undefined,
        resources: undefined,
        conditions: [],
      },
    ],
  });
  expect(parse({ ...STATEMENT, Principal: { AWS: '*' } }).principals.entries).toEqual([
    { kind: 'everyone' },
  ]);
  expect(parsePolicy('{"Statement": []}', 'aws').statements).toEqual([]);
});

test.each([
  ['no JSON', '{', /JSON/],
  ['a list', '[]', /must be a JSON object/],
  ['text', '"policy"', /must be a JSON object/],
  ['null', 'null', /must be a JSON object/],
  ['no Statement', '{"Version":"2012-10-17"}', /no Statement/],
  ['a version', policy(STATEMENT, { Version: '2020-01-01' }), /2012-10-17/],
  ['a number as Id', policy(STATEMENT, { Id: 7 }), /Id must be a string/],
  ['an element', policy(STATEMENT, { Statements: [] }), /unknown element: Statements/],
  ['__proto__', '{"Statement":[],"__proto__":{}}', /unknown element: __proto__/],
])('refused: %s', (_name, text, expected) => {
  expect(refusal(text)).toMatch(expected);
});

const INVALID_PRINCIPALS = 'Policy contains a statement with one or more invalid principals.';

test.each([
  ['no Effect', { Effect: undefined }, /Effect must be Allow or Deny/],
  ['an effect in lower case', { Effect: 'allow' }, /Effect must be Allow or Deny/],
  ['no principal', { Principal: undefined }, /no principal/],
  ['an empty principal', { Principal: {} }, /no principal/],
  ['an empty list of principals', { Principal: { AWS: [] } }, /no principal/],
  ['both principals', { NotPrincipal: '*' }, /both Principal and NotPrincipal/],
  ['both actions', { NotAction: 'kms:*' }, /both Action and NotAction/],
  ['both resources', { NotResource: '*' }, /both Resource and NotResource/],
  ['an action without vendor', { Action: 'Encrypt' }, /invalid action/],
  ['an action that is a number', { Action: 7 }, /invalid action/],
  ['an action with a space', { Action: ['kms:*', 'kms: Encrypt'] }, /invalid action/],
  ['a resource that is no ARN', { Resource: 'my-key' }, /invalid resource/],
  ['an element', { Conditions: {} }, /unknown element: Conditions/],
  ['a number as Sid', { Sid: 1 }, /Sid must be a string/],
  ['a list as Condition', { Condition: [] }, /Condition must be a JSON object/],
  ['an operator', { Condition: { StringMatches: { 'kms:ViaService': 'x' } } }, /StringMatches/],
  ['NullIfExists', { Condition: { NullIfExists: { 'kms:ViaService': true } } }, /NullIfExists/],
  ['constructor', { Condition: { constructor: { 'kms:ViaService': 'x' } } }, /constructor/],
  ['a condition key', { Condition: { StringEquals: { ViaService: 'x' } } }, /condition key/],
  ['keys that are a list', { Condition: { StringEquals: [] } }, /must be a JSON object/],
  ['a number', { Condition: { NumericEquals: { 'kms:X': 'many' } } }, /NumericEquals/],
  ['a date', { Condition: { DateLessThan: { 'aws:CurrentTime': 'soon' } } }, /DateLessThan/],
  ['a boolean', { Condition: { Bool: { 'aws:SecureTransport': 'yes' } } }, /Bool/],
  ['an address', { Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/33' } } }, /IpAddress/],
  ['an ARN', { Condition: { ArnLike: { 'aws:PrincipalArn': 'ann' } } }, /ArnLike/],
  ['base64', { Condition: { BinaryEquals: { 'kms:X': '!' } } }, /BinaryEquals/],
  ['null as a value', { Condition: { StringEquals: { 'kms:X': null } } }, /StringEquals/],
])('refused in a statement: %s', (_name, change, expected) => {
  expect(refusal(policy({ ...STATEMENT, ...change }))).toMatch(expected);
});

test.each([
  ['a group', { AWS: 'arn:aws:iam::111122223333:group/all' }],
  ['an unknown member', { Canonical: 'x' }],
  ['a canonical user', { CanonicalUser: 'x' }],
  ['a short account', { AWS: '11112222333' }],
  ['a unique id', { AWS: 'AIDACKCEVSQ6C2EXAMPLE' }],
  ['a wildcard in an ARN', { AWS: 'arn:aws:iam::111122223333:user/*' }],
  ['an ARN of another partition', { AWS: 'arn:aws-cn:iam::111122223333:root' }],
  ['an ARN without name', { AWS: 'arn:aws:iam::111122223333:role/' }],
  ['more after root', { AWS: 'arn:aws:iam::111122223333:root/x' }],
  ['a session without name', { AWS: 'arn:aws:sts::111122223333:assumed-role/Builder' }],
  ['a service that is none', { Service: 'example.com' }],
  ['a number', { AWS: 7 }],
  ['one among good ones', { AWS: [ROOT, 'ann'] }],
])('an invalid principal: %s', (_name, Principal) => {
  expect(refusal(policy({ ...STATEMENT, Principal }))).toBe(INVALID_PRINCIPALS);
});

test('a principal that is a text other than *', () => {
  expect(refusal(policy({ ...STATEMENT, Principal: ROOT }))).toBe(INVALID_PRINCIPALS);
});

const VARIABLE = ['$', '{aws:PrincipalArn}'].join('');

test('values with a policy variable are not looked at before there is a request', () => {
  const { conditions } = parse({
    ...STATEMENT,
    Condition: { ArnLike: { 'aws:PrincipalArn': VARIABLE } },
  });
  expect(conditions[0]!.values).toEqual([VARIABLE]);
});

test('no refusal is as long as what it refuses', () => {
  const long = 'x'.repeat(30_000);
  expect(refusal(policy({ ...STATEMENT, [long]: 1 })).length).toBeLessThan(200);
  expect(refusal(policy({ ...STATEMENT, Condition: { [long]: {} } })).length).toBeLessThan(200);
});
