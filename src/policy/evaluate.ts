/**
 * What one key policy says about one request. AWS KMS Developer Guide, "Determining access to AWS
 * KMS keys"; IAM User Guide, "Policy evaluation logic".
 */
import type { PrincipalKind } from '../core/records.js';
import type { Condition, Patterns, PolicyDocument, Principal, Principals } from './document.js';
import { OPERATORS } from './operators.js';
import { matchesWildcards } from './wildcards.js';

export interface PolicyRequest {
  /** e.g. 'kms:PutKeyPolicy' */
  readonly action: string;
  /** ARN of the key. */
  readonly resource: string;
  readonly principal: PolicyCaller;
  /** Condition keys in lower case; a key that the request does not have is absent. */
  readonly context: ReadonlyMap<string, readonly string[]>;
}

export interface PolicyCaller {
  readonly account: string;
  readonly arn: string;
  readonly kind: PrincipalKind;
  /** Of a service, e.g. 's3.amazonaws.com'. */
  readonly name?: string;
}

/**
 * `denied`: whatever else may allow it. `allowed`: to this very principal. `delegated`: to its
 * account, so that the identity policies of the caller decide. `silent`: nothing applies.
 */
export type PolicyDecision = 'denied' | 'allowed' | 'delegated' | 'silent';

export function evaluatePolicy(document: PolicyDocument, request: PolicyRequest): PolicyDecision {
  let decision: PolicyDecision = 'silent';
  for (const { effect, principals, actions, resources, conditions } of document.statements) {
    const reach = reachOf(principals, request.principal);
    if (reach === 'none') continue;
    if (!includes(actions, request.action, sameIgnoringCase)) continue;
    if (!includes(resources, request.resource, matchesWildcards)) continue;
    if (!conditions.every((condition) => holds(condition, request.context))) continue;
    if (effect === 'Deny') {
      // Denying an account denies all who belong to it.
      return 'denied';
    }
    if (reach === 'principal') decision = 'allowed';
    else if (decision === 'silent') decision = 'delegated';
  }
  return decision;
}

type Reach = 'none' | 'account' | 'principal';

function reachOf({ negated, entries }: Principals, caller: PolicyCaller): Reach {
  const reaches = entries.map((entry) => reachOfEntry(entry, caller));
  const named = reaches.includes('principal');
  // NotPrincipal spares only who is named, not those whose account is.
  if (negated) return named ? 'none' : 'principal';
  return named ? 'principal' : reaches.includes('account') ? 'account' : 'none';
}

function reachOfEntry(entry: Principal, caller: PolicyCaller): Reach {
  switch (entry.kind) {
    case 'everyone':
      return 'principal';
    case 'account':
      if (entry.account !== caller.account) return 'none';
      return caller.kind === 'root' ? 'principal' : 'account';
    case 'user':
    case 'session':
      return entry.arn === caller.arn ? 'principal' : 'none';
    case 'role':
      return isOfRole(caller, entry.account, entry.arn) ? 'principal' : 'none';
    case 'service':
      return caller.kind === 'service' && entry.name === caller.name ? 'principal' : 'none';
    case 'federated':
      return 'none';
  }
}

/** A session's ARN has the role's name without its path. */
function isOfRole(caller: PolicyCaller, account: string, roleArn: string): boolean {
  if (caller.kind !== 'role' || caller.account !== account) return false;
  if (caller.arn === roleArn) return true;
  const role = roleArn.slice(roleArn.lastIndexOf('/') + 1);
  return caller.arn.split(':')[5]?.split('/')[1] === role && caller.arn.includes(':assumed-role/');
}

const sameIgnoringCase = (pattern: string, action: string) =>
  matchesWildcards(pattern.toLowerCase(), action.toLowerCase());

/** An absent element matches nothing. */
function includes(
  element: Patterns | undefined,
  text: string,
  matches: (pattern: string, text: string) => boolean,
): boolean {
  if (element === undefined) return false;
  return element.patterns.some((pattern) => matches(pattern, text)) !== element.negated;
}

function holds(condition: Condition, context: PolicyRequest['context']): boolean {
  const { operator: name, ifExists, quantifier, key, values } = condition;
  const actual = context.get(key.toLowerCase());
  const absent = actual === undefined || actual.length === 0;
  if (name === 'Null') return values.some((value) => (value.toLowerCase() === 'true') === absent);
  const { meets, negated } = OPERATORS[name];
  if (absent)
    return ifExists || (quantifier === undefined ? negated : quantifier === 'ForAllValues');
  const one = (value: string) => values.some((wanted) => meets(value, wanted)) !== negated;
  return quantifier === 'ForAnyValue' ? actual.some(one) : actual.every(one);
}
