/** Forms that CloudTrail gives to values of KMS requests and replies. */
import type { Key } from '../keys/key.js';

const DATE = new Intl.DateTimeFormat('en-US', {
  timeZone: 'UTC',
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: 'numeric',
  minute: '2-digit',
  second: '2-digit',
  hour12: true,
});

/** A time as CloudTrail writes it inside KMS records, e.g. 'May 21, 2025, 5:47:45 AM'. */
export function auditDate(epochSeconds: number): string {
  // Newer ICU data puts a narrow no-break space before AM; CloudTrail has a plain one.
  return DATE.format(epochSeconds * 1000).replaceAll('\u202f', ' ');
}

/** 'KeyId' -> 'keyId', 'AWSAccountId' -> 'aWSAccountId'. */
function lowerCamel(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

/** A copy of `value` with its members in lowerCamelCase and those that are times as text. */
export function auditMembers(value: object): Record<string, unknown> {
  const members: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    members[lowerCamel(name)] =
      typeof member === 'number' && isTime(name) ? auditDate(member) : auditValue(member);
  }
  return members;
}

function isTime(name: string): boolean {
  return name.endsWith('Date') || name === 'ValidTo';
}

function auditValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(auditValue);
  return typeof value === 'object' && value !== null ? auditMembers(value) : value;
}

/** responseElements of operations that answer nothing or a key id: the key's ARN. */
export function auditKeyArn(
  _input: unknown,
  _output: unknown,
  keys: readonly Key[],
): { keyId: string } | null {
  const key = keys[0];
  return key === undefined ? null : { keyId: key.arn };
}

/** additionalEventData of operations under a symmetric key: the material that did the work. */
export function auditMaterial(
  _input: unknown,
  output: unknown,
  keys: readonly Key[],
): { keyMaterialId: string } | undefined {
  const id = keys[0]?.record.currentMaterialId;
  if (output === undefined || id === null || id === undefined) return undefined;
  return keys[0]!.spec.family === 'symmetric' ? { keyMaterialId: id } : undefined;
}
