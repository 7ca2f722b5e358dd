/** ARNs, key ids and request ids of AWS KMS. */
import { randomBytes, randomUUID } from 'node:crypto';

const DEFAULT_PARTITION = 'aws';

/** Partitions other than `aws`, by the beginning of their Regions' names. */
const PARTITIONS: readonly (readonly [prefix: string, partition: string])[] = [
  ['cn-', 'aws-cn'],
  ['us-gov-', 'aws-us-gov'],
  ['us-iso-', 'aws-iso'],
  ['us-isob-', 'aws-iso-b'],
  ['eu-isoe-', 'aws-iso-e'],
  ['us-isof-', 'aws-iso-f'],
  ['eusc-', 'aws-eusc'],
];

/** By Region, because names are asked for far more often than there are Regions. */
const known = new Map<string, string>();
/** Regions of AWS, several times over. */
const KNOWN_MAX = 256;

/** The partition of AWS that a Region belongs to: nothing is shared across partitions. */
export function partitionOf(region: string): string {
  let partition = known.get(region);
  if (partition === undefined) {
    partition = PARTITIONS.find(([prefix]) => region.startsWith(prefix))?.[1] ?? DEFAULT_PARTITION;
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(region, partition);
  }
  return partition;
}

const KEY_ID =
  /^(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/;

/** True for a UUID in lower case with hyphens, or `mrk-` and 32 hex digits. */
export function isKeyId(text: string): boolean {
  return KEY_ID.test(text);
}

export function newKeyId(multiRegion: boolean): string {
  return multiRegion ? `mrk-${randomBytes(16).toString('hex')}` : randomUUID();
}

/** The 16 bytes of a key id, for binary headers. */
export function keyIdBytes(keyId: string): Buffer {
  return Buffer.from(keyId.startsWith('mrk-') ? keyId.slice(4) : keyId.replaceAll('-', ''), 'hex');
}

/** The inverse of keyIdBytes. */
export function keyIdFromBytes(bytes: Uint8Array, multiRegion: boolean): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, 16).toString('hex');
  if (multiRegion) return `mrk-${hex}`;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export function keyArn(region: string, account: string, keyId: string): string {
  return `arn:${partitionOf(region)}:kms:${region}:${account}:key/${keyId}`;
}

/** The principal that stands for a whole account, in the partition of `region`. */
export function accountPrincipal(region: string, account: string): string {
  return `arn:${partitionOf(region)}:iam::${account}:root`;
}

export function aliasArn(region: string, account: string, aliasName: string): string {
  return `arn:${partitionOf(region)}:kms:${region}:${account}:${aliasName}`;
}

export interface KmsArn {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
  /** `key/<id>` or `alias/<name>` */
  readonly resource: string;
}

const ARN = /^arn:([^:]+):kms:([^:]*):([^:]*):(.+)$/;

/** Undefined when `text` is no KMS ARN. */
export function parseKmsArn(text: string): KmsArn | undefined {
  const match = ARN.exec(text);
  if (match === null) return undefined;
  return { partition: match[1]!, region: match[2]!, account: match[3]!, resource: match[4]! };
}
