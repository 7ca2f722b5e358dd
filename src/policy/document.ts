/**
 * A policy document as the rest of the program knows it: checked, typed and frozen. Elements and
 * their meaning: AWS IAM User Guide, "IAM JSON policy element reference"; AWS KMS Developer Guide,
 * "Key policies in AWS KMS".
 */

export interface PolicyDocument {
  readonly version: '2012-10-17' | '2008-10-17';
  readonly id: string | undefined;
  readonly statements: readonly Statement[];
}

export interface Statement {
  readonly sid: string | undefined;
  readonly effect: 'Allow' | 'Deny';
  readonly principals: Principals;
  /** Undefined: the element is absent, and the statement has no effect. */
  readonly actions: Patterns | undefined;
  /** As `actions`. */
  readonly resources: Patterns | undefined;
  /** All must hold. */
  readonly conditions: readonly Condition[];
}

/** Principal, or NotPrincipal when `negated`. */
export interface Principals {
  readonly negated: boolean;
  readonly entries: readonly Principal[];
}

export type Principal =
  /** `*` */
  | { readonly kind: 'everyone' }
  /** 12 digits, however it was written. */
  | { readonly kind: 'account'; readonly account: string }
  | { readonly kind: 'user' | 'role'; readonly account: string; readonly arn: string }
  /** An assumed-role session or a federated user of STS. */
  | { readonly kind: 'session'; readonly account: string; readonly arn: string }
  /** e.g. `logs.eu-central-1.amazonaws.com` */
  | { readonly kind: 'service'; readonly name: string }
  /** An identity provider. */
  | { readonly kind: 'federated'; readonly provider: string };

/** Action or Resource; NotAction or NotResource when `negated`. `*` and `?` are wildcards. */
export interface Patterns {
  readonly negated: boolean;
  readonly patterns: readonly string[];
}

/** One condition key under one operator; any of `values` suffices, all of a negated operator. */
export interface Condition {
  readonly operator: OperatorName;
  readonly ifExists: boolean;
  readonly quantifier: 'ForAllValues' | 'ForAnyValue' | undefined;
  /** As written, e.g. `kms:CallerAccount`; condition keys know no letter case. */
  readonly key: string;
  readonly values: readonly string[];
}

export type OperatorName =
  | 'StringEquals'
  | 'StringNotEquals'
  | 'StringEqualsIgnoreCase'
  | 'StringNotEqualsIgnoreCase'
  | 'StringLike'
  | 'StringNotLike'
  | 'NumericEquals'
  | 'NumericNotEquals'
  | 'NumericLessThan'
  | 'NumericLessThanEquals'
  | 'NumericGreaterThan'
  | 'NumericGreaterThanEquals'
  | 'DateEquals'
  | 'DateNotEquals'
  | 'DateLessThan'
  | 'DateLessThanEquals'
  | 'DateGreaterThan'
  | 'DateGreaterThanEquals'
  | 'Bool'
  | 'BinaryEquals'
  | 'IpAddress'
  | 'NotIpAddress'
  | 'ArnEquals'
  | 'ArnLike'
  | 'ArnNotEquals'
  | 'ArnNotLike'
  | 'Null';
