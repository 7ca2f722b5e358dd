/**
 * Grants: permissions on one key that are given to a principal and taken back one by one. AWS KMS
 * Developer Guide, "Grants in AWS KMS". What a grant allows is decided where requests are
 * authorized; here grants are made, listed, retired and revoked.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Caller } from '../auth/port.js';
import type { Clock } from '../core/clock.js';
import { KmsError } from '../core/errors.js';
import { accountPrincipal } from '../core/ids.js';
import type { ResourceQuotas } from '../core/limits.js';
import type { StoredGrant } from '../core/records.js';
import type { Scope, Store } from '../store/port.js';
import { isStoreError, storeFailure } from './failures.js';
import type { GrantTokens } from './grant-tokens.js';
import type { Key } from './key.js';
import type { KeyCaches } from './key-caches.js';
import { accessDenied, keyNotFound } from './key-identifier.js';
import type { Markers } from './markers.js';
import type { GrantRequest, Page } from './service.js';

export interface GrantsParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly caches: KeyCaches;
  readonly markers: Markers;
  readonly tokens: GrantTokens;
  readonly quotas: Pick<ResourceQuotas, 'grantsPerKey'>;
}

export class Grants {
  readonly #parts: GrantsParts;

  constructor(parts: GrantsParts) {
    this.#parts = parts;
  }

  /** See KeyService.createGrant. */
  async create(
    caller: Caller,
    key: Key,
    request: GrantRequest,
  ): Promise<{ grantId: string; grantToken: string }> {
    const { store, clock, caches, tokens, quotas } = this.#parts;
    const { account, region, keyId } = key.record;
    const grant: StoredGrant = {
      account,
      region,
      keyId,
      grantId: randomBytes(32).toString('hex'),
      name: request.name ?? null,
      granteePrincipal: request.granteePrincipal,
      retiringPrincipal: request.retiringPrincipal ?? null,
      operations: [...new Set(request.operations)],
      constraints: request.constraints ?? null,
      issuingAccount: caller.account,
      createdAt: clock.now(),
      fingerprint: fingerprint(caller, request),
    };
    let grantId: string;
    try {
      grantId = await store.insertGrant(grant, quotas.grantsPerKey);
    } catch (error) {
      if (isStoreError(error, 'LIMIT')) throw this.#tooMany(key);
      if (isStoreError(error, 'NOT_FOUND')) throw keyNotFound(key.record, keyId);
      throw storeFailure(error);
    } finally {
      caches.grants.drop(key.arn);
    }
    return { grantId, grantToken: await tokens.issue({ account, region, keyId, grantId }) };
  }

  /** See KeyService.requireGrantRoom. */
  async requireRoom(caller: Caller, key: Key, request: GrantRequest): Promise<void> {
    const { store, quotas } = this.#parts;
    const { account, region, keyId } = key.record;
    const scope = { account, region };
    const same = fingerprint(caller, request);
    try {
      if ((await store.countGrants(scope, keyId)) < quotas.grantsPerKey) return;
      if (same !== null && (await store.findGrant(scope, keyId, same)) !== undefined) return;
    } catch (error) {
      throw storeFailure(error);
    }
    throw this.#tooMany(key);
  }

  /** @throws NotFoundException */
  async get(key: Key, grantId: string): Promise<StoredGrant> {
    const grant = await this.#find(key, grantId);
    if (grant === undefined) throw grantNotFound(grantId);
    return grant;
  }

  /** See KeyService.retirableGrant. */
  async getRetirable(caller: Caller, key: Key, grantId: string): Promise<StoredGrant> {
    const grant = await this.#find(key, grantId);
    const foreign = key.record.account !== caller.account;
    if (grant === undefined) {
      // Who names its grant by a token knows of it; others must not learn what there is.
      if (foreign && key.requestGrantId === undefined) throw denied(caller, key);
      throw grantNotFound(grantId);
    }
    if (mayRetire(caller, grant)) return grant;
    throw denied(caller, key);
  }

  /** @throws NotFoundException when it is gone meanwhile */
  async delete(key: Key, grant: StoredGrant): Promise<void> {
    const { store, caches } = this.#parts;
    const { account, region, keyId, grantId } = grant;
    try {
      await store.deleteGrant({ account, region }, keyId, grantId);
    } catch (error) {
      if (isStoreError(error, 'NOT_FOUND')) throw grantNotFound(grantId);
      throw storeFailure(error);
    } finally {
      caches.grants.drop(key.arn);
    }
  }

  list(
    key: Key,
    granteePrincipal: string | undefined,
    limit: number,
    marker: string | undefined,
  ): Promise<Page<StoredGrant>> {
    const { store, markers } = this.#parts;
    const scope = scopeOf(key);
    return markers.page(
      ['ListGrants', key.arn, granteePrincipal ?? ''],
      marker,
      (after) => store.listGrants(scope, key.record.keyId, granteePrincipal, limit, after),
      (grant) => grant,
    );
  }

  /** See KeyService.listRetirableGrants. */
  listRetirable(
    caller: Caller,
    retiringPrincipal: string,
    ownKeysOnly: boolean,
    limit: number,
    marker: string | undefined,
  ): Promise<Page<StoredGrant>> {
    const { store, markers } = this.#parts;
    const { account, region } = caller;
    const keysOf = ownKeysOnly ? account : undefined;
    return markers.page(
      ['ListRetirableGrants', account, region, retiringPrincipal],
      marker,
      (after) => store.listRetirableGrants(region, retiringPrincipal, keysOf, limit, after),
      (grant) => grant,
    );
  }

  async #find(key: Key, grantId: string): Promise<StoredGrant | undefined> {
    try {
      return await this.#parts.store.getGrant(scopeOf(key), key.record.keyId, grantId);
    } catch (error) {
      throw storeFailure(error);
    }
  }

  #tooMany(key: Key): KmsError {
    const { grantsPerKey } = this.#parts.quotas;
    const text = `The key ${key.arn} has reached the limit of ${grantsPerKey} grants.`;
    return new KmsError('LimitExceededException', text);
  }
}

function scopeOf({ record: { account, region } }: Key): Scope {
  return { account, region };
}

function grantNotFound(grantId: string): KmsError {
  return new KmsError('NotFoundException', `Grant ID ${grantId} not found`);
}

function denied(caller: Caller, key: Key): KmsError {
  return accessDenied(caller, 'kms:RetireGrant', key.arn);
}

/**
 * Who may retire a grant: its retiring principal, a grantee to whom RetireGrant is granted, and the
 * account that made it. An account as a principal stands for all who act for it.
 */
function mayRetire(caller: Caller, grant: StoredGrant): boolean {
  if (grant.issuingAccount === caller.account) return true;
  const own = [caller.arn, accountPrincipal(caller.region, caller.account)];
  if (grant.retiringPrincipal !== null && own.includes(grant.retiringPrincipal)) return true;
  return grant.operations.includes('RetireGrant') && own.includes(grant.granteePrincipal);
}

/**
 * Requests with a name and the same of all else are one request and its retries; the order of the
 * operations and of an encryption context says nothing. Null without a name.
 */
function fingerprint(caller: Caller, request: GrantRequest): string | null {
  if (request.name === undefined) return null;
  const { constraints } = request;
  const parts = [
    request.name,
    request.granteePrincipal,
    request.retiringPrincipal ?? null,
    [...new Set(request.operations)].sort(),
    pairs(constraints?.encryptionContextSubset),
    pairs(constraints?.encryptionContextEquals),
    constraints?.sourceArn ?? null,
    caller.account,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function pairs(
  context: Readonly<Record<string, string>> | undefined,
): readonly (readonly [string, string])[] | null {
  if (context === undefined) return null;
  return Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1));
}
