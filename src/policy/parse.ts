/**
 * Reads a key policy. Form: AWS IAM User Guide, "Grammar of the IAM JSON policy language". Where AWS
 * publishes no text of a refusal, the text is ours.
 */
import { KmsError } from '../core/errors.js';
import type {
  Condition,
  OperatorName,
  Patterns,
  PolicyDocument,
  Principal,
  Principals,
  Statement,
} from './document.js';
import { OPERATORS } from './operators.js';
import { ANYONE, parsePrincipal } from './principals.js';

type Json = Readonly<Record<string, unknown>>;

const VERSIONS = ['2012-10-17', '2008-10-17'] as const;
const DOCUMENT_MEMBERS: ReadonlySet<string> = new Set(['Version', 'Id', 'Statement']);
const STATEMENT_MEMBERS: ReadonlySet<string> = new Set([
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
]);
const ACTION = /^(\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)$/;
const RESOURCE = /^(\*|arn:.+)$/;
const OPERATOR = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/;
const CONDITION_KEY = /^[A-Za-z0-9-]+:.+$/;
/** Policy variables are filled in when a request is decided. */
const VARIABLE = '${';

export function malformed(text: string, cause?: unknown): KmsError {
  return new KmsError('MalformedPolicyDocumentException', text, cause);
}

export function invalidPrincipals(): KmsError {
  return malformed('Policy contains a statement with one or more invalid principals.');
}

/**
 * Reads and checks the text of a key policy. The document is frozen, all of it.
 * @param partition of the key: principals of another cannot be named, e.g. 'aws-cn'
 * @throws MalformedPolicyDocumentException
 */
export function parsePolicy(text: string, partition: string): PolicyDocument {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw malformed('The policy is not valid JSON.', error);
  }
  const document = object(json, 'The policy');
  refuseOthers(document, DOCUMENT_MEMBERS, 'The policy');
  const version = document.Version ?? '2008-10-17';
  if (!VERSIONS.some((known) => known === version)) {
    throw malformed(`Version must be one of: ${VERSIONS.join(', ')}.`);
  }
  if (document.Statement === undefined) throw malformed('The policy has no Statement.');
  return Object.freeze({
    version: version as PolicyDocument['version'],
    id: optionalText(document.Id, 'Id'),
    statements: Object.freeze(
      list(document.Statement).map((statement) => parseStatement(statement, partition)),
    ),
  });
}

function parseStatement(value: unknown, partition: string): Statement {
  const statement = object(value, 'A statement');
  refuseOthers(statement, STATEMENT_MEMBERS, 'A statement');
  const { Effect: effect } = statement;
  if (effect !== 'Allow' && effect !== 'Deny') throw malformed('Effect must be Allow or Deny.');
  return Object.freeze({
    sid: optionalText(statement.Sid, 'Sid'),
    effect,
    principals: parsePrincipals(statement, partition),
    actions: patterns(statement, 'Action', ACTION),
    resources: patterns(statement, 'Resource', RESOURCE),
    conditions: parseConditions(statement.Condition),
  });
}

function parsePrincipals(statement: Json, partition: string): Principals {
  const [negated, value] = oneOf(statement, 'Principal') ?? [];
  if (negated === undefined) throw malformed('Policy contains a statement with no principal.');
  const entries = value === '*' ? ANYONE : Object.freeze(principalEntries(value, partition));
  if (entries.length === 0) throw malformed('Policy contains a statement with no principal.');
  return Object.freeze({ negated, entries });
}

function principalEntries(value: unknown, partition: string): Principal[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidPrincipals();
  }
  return Object.entries(value).flatMap(([type, members]) =>
    list(members).map((member) => {
      const principal =
        typeof member === 'string' ? parsePrincipal(type, member, partition) : undefined;
      if (principal === undefined) throw invalidPrincipals();
      return principal;
    }),
  );
}

/** Undefined when the element is absent, in both of its forms. */
function patterns(statement: Json, name: string, form: RegExp): Patterns | undefined {
  const [negated, value] = oneOf(statement, name) ?? [];
  if (negated === undefined) return undefined;
  const texts = list(value).map((text) => {
    if (typeof text !== 'string' || !form.test(text)) {
      throw malformed(`Policy contains a statement with an invalid ${name.toLowerCase()}.`);
    }
    return text;
  });
  return Object.freeze({ negated, patterns: Object.freeze(texts) });
}

function parseConditions(value: unknown): readonly Condition[] {
  if (value === undefined) return Object.freeze([]);
  const conditions = Object.entries(object(value, 'Condition')).flatMap(([name, keys]) => {
    const [, quantifier, base = '', ifExists] = OPERATOR.exec(name) ?? [];
    const operator = Object.hasOwn(OPERATORS, base) ? OPERATORS[base as OperatorName] : undefined;
    if (operator === undefined || (base === 'Null' && ifExists !== undefined)) {
      throw malformed(`Policy contains an unknown condition operator: ${shown(name)}.`);
    }
    return Object.entries(object(keys, name)).map(([key, wanted]) => {
      if (!CONDITION_KEY.test(key))
        throw malformed(`Policy contains an invalid condition key: ${shown(key)}.`);
      return Object.freeze({
        operator: base as OperatorName,
        ifExists: ifExists !== undefined,
        quantifier: quantifier as Condition['quantifier'],
        key,
        values: Object.freeze(list(wanted).map((one) => conditionValue(one, name, operator.valid))),
      });
    });
  });
  return Object.freeze(conditions);
}

/** Numbers and booleans may stand without quotes. */
function conditionValue(
  value: unknown,
  operator: string,
  valid: (value: string) => boolean,
): string {
  const text = typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
  if (typeof text !== 'string' || (!valid(text) && !text.includes(VARIABLE))) {
    throw malformed(`Policy contains an invalid value of the condition operator ${operator}.`);
  }
  return text;
}

/** The element or its Not form, never both: [negated, value]. */
function oneOf(statement: Json, name: string): readonly [boolean, unknown] | undefined {
  const [plain, not] = [statement[name], statement[`Not${name}`]];
  if (plain !== undefined && not !== undefined) {
    throw malformed(`A statement has both ${name} and Not${name}.`);
  }
  if (plain !== undefined) return [false, plain];
  return not === undefined ? undefined : [true, not];
}

function object(value: unknown, what: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw malformed(`${shown(what)} must be a JSON object.`);
}

function refuseOthers(value: Json, known: ReadonlySet<string>, what: string): void {
  for (const name of Object.keys(value)) {
    if (!known.has(name)) throw malformed(`${what} has an unknown element: ${shown(name)}.`);
  }
}

function optionalText(value: unknown, what: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw malformed(`${what} must be a string.`);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

/** Names come from the policy: no error text may be as long as one. */
function shown(name: string): string {
  return name.length > 128 ? `${name.slice(0, 128)}...` : name;
}
