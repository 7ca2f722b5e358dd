/** A key as the caches hold it: what operations see, and the way to its loaded material. */
import { keyArn } from '../core/ids.js';
import type { StoredKey, StoredKeyUse } from '../core/records.js';
import { type KeySpecRow, keySpecRow } from '../specs/key-specs.js';
import type { Key } from './key.js';
import type { Material } from './material.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The last use of a key, written over by each; `waiting` while it is to be stored. */
export interface UseNote extends Mutable<StoredKeyUse> {
  waiting: boolean;
}

/** Points at the current material once it is loaded; aliases of a key share the key's link. */
export interface MaterialLink {
  current: Material | undefined;
  /** Of the last use; see last-usage.ts. */
  use: UseNote | undefined;
}

export class ResolvedKey implements Key {
  readonly record: StoredKey;
  readonly arn: string;
  readonly spec: KeySpecRow;
  readonly requestAlias: string | undefined;
  readonly requestGrantId: string | undefined;
  readonly link: MaterialLink;

  private constructor(
    record: StoredKey,
    arn: string,
    spec: KeySpecRow,
    requestAlias: string | undefined,
    link: MaterialLink,
    requestGrantId?: string,
  ) {
    this.record = record;
    this.arn = arn;
    this.spec = spec;
    this.requestAlias = requestAlias;
    this.requestGrantId = requestGrantId;
    this.link = link;
  }

  static of(record: StoredKey): ResolvedKey {
    const arn = keyArn(record.region, record.account, record.keyId);
    const link = { current: undefined, use: undefined };
    return new ResolvedKey(record, arn, keySpecRow(record.keySpec), undefined, link);
  }

  /** The same key, as named by an alias. */
  byAlias(name: string): ResolvedKey {
    return new ResolvedKey(this.record, this.arn, this.spec, name, this.link);
  }

  /** The same key, as named by a token of one of its grants. */
  byGrant(grantId: string): ResolvedKey {
    return new ResolvedKey(this.record, this.arn, this.spec, undefined, this.link, grantId);
  }
}

/** The resolved key behind `key`. Keys come from this service only, so that all are such. */
export function resolved(key: Key): ResolvedKey {
  if (key instanceof ResolvedKey) return key;
  throw new TypeError('the key was not made by the key service');
}
