/**
 * Tags of keys. AWS KMS API reference, TagResource, UntagResource, ListResourceTags; characters:
 * AWS KMS Developer Guide, "Tags in AWS KMS".
 */
import { KmsError } from '../core/errors.js';
import type { ResourceQuotas } from '../core/limits.js';
import type { Tag } from '../core/records.js';
import type { Scope, Store } from '../store/port.js';
import { isStoreError, storeFailure } from './failures.js';
import type { Key } from './key.js';
import type { KeyCaches } from './key-caches.js';
import { keyNotFound } from './key-identifier.js';
import type { Markers } from './markers.js';
import type { Page } from './service.js';

/** Prefix that AWS keeps for itself, in any letter case. */
const RESERVED = 'aws:';
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

function tagException(text: string): KmsError {
  return new KmsError('TagException', text);
}

/**
 * The rules of a list of tags that no schema says, for a key without any.
 * @throws TagException
 */
export function requireTags(tags: readonly Tag[], maxPerKey: number): void {
  if (new Set(tags.map(({ key }) => key)).size < tags.length) {
    throw tagException('Duplicate tag keys');
  }
  if (tags.some(({ key }) => key.slice(0, RESERVED.length).toLowerCase() === RESERVED)) {
    throw tagException('Tags beginning with aws: are reserved');
  }
  if (tags.length > maxPerKey) throw tagException('Too many tags');
  if (tags.some(({ key, value }) => !ALLOWED.test(key) || !ALLOWED.test(value))) {
    throw tagException(
      'Tag keys and values may have letters, digits, spaces and the characters _ . : / = + - @',
    );
  }
}

export interface TagsParts {
  readonly store: Store;
  readonly caches: KeyCaches;
  readonly markers: Markers;
  readonly quotas: Pick<ResourceQuotas, 'tagsPerKey'>;
}

export class Tags {
  readonly #parts: TagsParts;

  constructor(parts: TagsParts) {
    this.#parts = parts;
  }

  /** @throws TagException, NotFoundException */
  async put(key: Key, tags: readonly Tag[]): Promise<void> {
    const { store, quotas } = this.#parts;
    requireTags(tags, quotas.tagsPerKey);
    if (tags.length === 0) return;
    await this.#change(key, (scope, keyId) => store.putTags(scope, keyId, tags, quotas.tagsPerKey));
  }

  /** Tags that the key does not have are no error. @throws NotFoundException */
  async remove(key: Key, tagKeys: readonly string[]): Promise<void> {
    const { store } = this.#parts;
    if (tagKeys.length === 0) return;
    await this.#change(key, (scope, keyId) => store.deleteTags(scope, keyId, tagKeys));
  }

  /** Ordered by tag key. @throws InvalidMarkerException */
  async list(key: Key, limit: number, marker: string | undefined): Promise<Page<Tag>> {
    const { store, markers } = this.#parts;
    const { account, region, keyId } = key.record;
    return markers.page(
      ['ListResourceTags', key.arn],
      marker,
      (after) => store.listTags({ account, region }, keyId, limit, after),
      (tag) => tag,
    );
  }

  async #change(key: Key, change: (scope: Scope, keyId: string) => Promise<void>): Promise<void> {
    const { account, region, keyId } = key.record;
    const scope = { account, region };
    try {
      await change(scope, keyId);
    } catch (error) {
      if (isStoreError(error, 'LIMIT')) throw tagException('Too many tags');
      if (isStoreError(error, 'NOT_FOUND')) throw keyNotFound(scope, keyId);
      throw storeFailure(error);
    } finally {
      this.#parts.caches.dropKey(scope, keyId);
    }
  }
}
