/**
 * Condition operators as a table: how a value in a policy must look, and when it is met. AWS IAM
 * User Guide, "IAM JSON policy elements: Condition operators".
 */
import { BlockList, isIP } from 'node:net';
import type { OperatorName } from './document.js';
import { matchesArn, matchesWildcards } from './wildcards.js';

export interface Operator {
  /** True for a value that a policy may hold. */
  readonly valid: (value: string) => boolean;
  /** `actual` of the request against `wanted` of the policy. */
  readonly meets: (actual: string, wanted: string) => boolean;
  /** A negated operator holds where `meets` is true of no value, and where the key is absent. */
  readonly negated: boolean;
}

type Valid = Operator['valid'];
type Meets = Operator['meets'];

const anyText: Valid = () => true;
const isNumber: Valid = (value) => /^[+-]?\d+(\.\d+)?$/.test(value);
const isDate: Valid = (value) => Number.isFinite(epochMs(value));
const isBool: Valid = (value) => /^(true|false)$/i.test(value);
const isBase64: Valid = (value) => Buffer.from(value, 'base64').toString('base64') === value;
const isArnPattern: Valid = (value) => value === '*' || /^arn:([^:]*:){4}./.test(value);

/** ISO 8601, or seconds since the epoch; NaN for anything else. */
function epochMs(value: string): number {
  if (isNumber(value)) return Number(value) * 1000;
  return /^\d{4}-\d{2}-\d{2}(T.*)?$/.test(value) ? Date.parse(value) : Number.NaN;
}

/** An address, or a network in CIDR notation; undefined for anything else. */
function network(value: string): BlockList | undefined {
  const [address = '', prefix, ...rest] = value.split('/');
  const version = isIP(address);
  const longest = version === 4 ? 32 : 128;
  const bits = prefix === undefined ? longest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (version === 0 || rest.length > 0 || bits < 0 || bits > longest) return undefined;
  const list = new BlockList();
  list.addSubnet(address, bits, version === 4 ? 'ipv4' : 'ipv6');
  return list;
}

const isNetwork: Valid = (value) => network(value) !== undefined;

const equal: Meets = (actual, wanted) => actual === wanted;
const equalIgnoringCase: Meets = (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase();
const like: Meets = (actual, wanted) => matchesWildcards(wanted, actual);
const arnLike: Meets = (actual, wanted) => matchesArn(wanted, actual);
const inNetwork: Meets = (actual, wanted) => {
  const version = isIP(actual);
  return version !== 0 && network(wanted)?.check(actual, version === 4 ? 'ipv4' : 'ipv6') === true;
};

function compared(order: (difference: number) => boolean, value: (text: string) => number): Meets {
  return (actual, wanted) => order(value(actual) - value(wanted));
}

const numeric = (order: (difference: number) => boolean): Operator => ({
  valid: isNumber,
  meets: compared(order, (text) => (isNumber(text) ? Number(text) : Number.NaN)),
  negated: false,
});
const dated = (order: (difference: number) => boolean): Operator => ({
  valid: isDate,
  meets: compared(order, epochMs),
  negated: false,
});
const plain = (valid: Valid, meets: Meets): Operator => ({ valid, meets, negated: false });
const not = (operator: Operator): Operator => ({ ...operator, negated: true });

const zero = (difference: number) => difference === 0;
const below = (difference: number) => difference < 0;
const notAbove = (difference: number) => difference <= 0;
const above = (difference: number) => difference > 0;
const notBelow = (difference: number) => difference >= 0;

const text = plain(anyText, equal);
const textIgnoringCase = plain(anyText, equalIgnoringCase);
const textLike = plain(anyText, like);
const arn = plain(isArnPattern, arnLike);
const address = plain(isNetwork, inNetwork);

export const OPERATORS: Readonly<Record<OperatorName, Operator>> = Object.freeze({
  StringEquals: text,
  StringNotEquals: not(text),
  StringEqualsIgnoreCase: textIgnoringCase,
  StringNotEqualsIgnoreCase: not(textIgnoringCase),
  StringLike: textLike,
  StringNotLike: not(textLike),
  NumericEquals: numeric(zero),
  NumericNotEquals: not(numeric(zero)),
  NumericLessThan: numeric(below),
  NumericLessThanEquals: numeric(notAbove),
  NumericGreaterThan: numeric(above),
  NumericGreaterThanEquals: numeric(notBelow),
  DateEquals: dated(zero),
  DateNotEquals: not(dated(zero)),
  DateLessThan: dated(below),
  DateLessThanEquals: dated(notAbove),
  DateGreaterThan: dated(above),
  DateGreaterThanEquals: dated(notBelow),
  Bool: plain(isBool, equalIgnoringCase),
  BinaryEquals: plain(isBase64, equal),
  IpAddress: address,
  NotIpAddress: not(address),
  ArnEquals: arn,
  ArnLike: arn,
  ArnNotEquals: not(arn),
  ArnNotLike: not(arn),
  // Whether the key is absent: decided by the evaluator.
  Null: plain(isBool, equalIgnoringCase),
});
