/** A KMS key as operations see it: the stored record with its ARN and its spec's row. */
import type { StoredKey } from '../core/records.js';
import type { KeySpecRow } from '../specs/key-specs.js';

export interface Key {
  readonly record: StoredKey;
  /** arn:aws:kms:<region>:<account>:key/<keyId> */
  readonly arn: string;
  readonly spec: KeySpecRow;
  /** The alias name by which the request named the key, if it did (kms:RequestAlias). */
  readonly requestAlias?: string | undefined;
  /** The id of the grant by whose token the request named the key, if it did. */
  readonly requestGrantId?: string | undefined;
}
