/** Sample records and the refusals of a store, for its tests. */
import { randomBytes, randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type {
  StoredAccessKey,
  StoredAlias,
  StoredGrant,
  StoredKey,
  StoredMaterial,
  StoredPrincipal,
} from '../../src/core/records.js';
import { type Change, type Scope, type Store, StoreError } from '../../src/store/port.js';

export const SCOPE: Scope = Object.freeze({ account: '111122223333', region: 'eu-central-1' });
export const OTHER_REGION: Scope = Object.freeze({ ...SCOPE, region: 'us-east-1' });
export const OTHER_ACCOUNT: Scope = Object.freeze({ ...SCOPE, account: '444455556666' });
export const NOW = Date.UTC(2026, 0, 1);

/** Every byte value, zero first: a store that ends blobs or text at a zero byte is found out. */
export const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, i) => i);
/** Two, three and four bytes of UTF-8, a combining mark, a zero character, quotes. */
export const UNICODE = 'Schlüssel 鍵 🔑 e\u0301 \u0000 \' " \\ %_';

export function keyRecord(fields: Partial<StoredKey> = {}): StoredKey {
  return {
    ...SCOPE,
    keyId: randomUUID(),
    version: 1,
    keySpec: 'SYMMETRIC_DEFAULT',
    keyUsage: 'ENCRYPT_DECRYPT',
    origin: 'AWS_KMS',
    keyManager: 'CUSTOMER',
    state: 'Enabled',
    description: '',
    multiRegion: false,
    createdAt: NOW,
    deletionDate: null,
    pendingWindowDays: null,
    currentMaterialId: null,
    publicKey: null,
    policy: null,
    rotationPeriodDays: null,
    nextRotationAt: null,
    expirationModel: null,
    validTo: null,
    multiRegionRole: null,
    primaryRegion: null,
    service: null,
    ...fields,
  };
}

export function materialRecord(
  key: StoredKey,
  domainKeyId: number,
  fields: Partial<StoredMaterial> = {},
): StoredMaterial {
  return {
    account: key.account,
    region: key.region,
    keyId: key.keyId,
    materialId: 'ab'.repeat(32),
    domainKeyId,
    wrapped: ALL_BYTES,
    createdAt: NOW,
    state: 'CURRENT',
    rotationType: null,
    rotatedAt: null,
    importState: null,
    expirationModel: null,
    validTo: null,
    description: null,
    ...fields,
  };
}

export function aliasRecord(target: StoredKey, name: string): StoredAlias {
  const { account, region, keyId } = target;
  return { account, region, name, targetKeyId: keyId, createdAt: NOW, updatedAt: NOW };
}

export function grantRecord(key: StoredKey, fields: Partial<StoredGrant> = {}): StoredGrant {
  return {
    account: key.account,
    region: key.region,
    keyId: key.keyId,
    grantId: randomBytes(32).toString('hex'),
    name: null,
    granteePrincipal: `arn:aws:iam::${SCOPE.account}:user/grantee`,
    retiringPrincipal: null,
    operations: ['Decrypt', 'Encrypt'],
    constraints: null,
    issuingAccount: key.account,
    createdAt: NOW,
    fingerprint: null,
    ...fields,
  };
}

export function principalRecord(name: string): StoredPrincipal {
  const { account } = SCOPE;
  const arn = `arn:aws:iam::${account}:user/${name}`;
  return { arn, account, kind: 'user', name, createdAt: NOW };
}

export function accessKeyRecord(
  principal: StoredPrincipal,
  domainKeyId: number,
  fields: Partial<StoredAccessKey> = {},
): StoredAccessKey {
  return {
    accessKeyId: 'AKIDEXAMPLE000000001',
    principalArn: principal.arn,
    domainKeyId,
    wrappedSecret: ALL_BYTES,
    active: true,
    createdAt: NOW,
    sessionTokenSha256: null,
    expiresAt: null,
    ...fields,
  };
}

/** Inserts a key without material. */
export async function insertKey(store: Store, fields: Partial<StoredKey> = {}): Promise<StoredKey> {
  const key = keyRecord(fields);
  await store.insertKey(key, undefined);
  return key;
}

/** The code that a call is refused with; fails when it is not refused, or not by StoreError. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreError);
  return (error as StoreError).code;
}

export async function until(what: string, done: () => boolean, ms = 10_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!done()) {
    if (performance.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export interface Heard {
  /** 'kind id' of each change, or 'reset'. */
  readonly lines: string[];
  readonly changes: Change[];
  stop(): void;
}

export function listen(store: Store): Heard {
  const lines: string[] = [];
  const changes: Change[] = [];
  const stop = store.onChange((change) => {
    lines.push(change === 'reset' ? 'reset' : `${change.kind} ${change.id}`);
    if (change !== 'reset') changes.push(change);
  });
  return { lines, changes, stop };
}
