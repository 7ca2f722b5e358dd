/**
 * Key states x operations, as data. Source: AWS KMS Developer Guide, "Key states of KMS keys",
 * table and notes; operations that are not offered yet are in it, so that they only use it.
 *
 * A cell is `ok`, or the outcome of a note of that table. Where the page allows two outcomes for
 * keys pending deletion (notes 2 and 3), the current service answers that of note 3.
 */
import { type ErrorCode, KmsError } from '../core/errors.js';
import type { KeyState, KeyUsage } from '../core/records.js';
import type { Key } from './key.js';

interface Outcome {
  readonly code: ErrorCode;
  /** What follows the key's ARN; undefined = no text at all. */
  readonly text?: string;
  /** Keys that the outcome is for; all when absent. */
  readonly only?: (key: Key) => boolean;
}

const inCustomKeyStore = (key: Key): boolean =>
  key.record.origin === 'AWS_CLOUDHSM' || key.record.origin === 'EXTERNAL_KEY_STORE';
const withoutImport = (key: Key): boolean => key.record.origin !== 'EXTERNAL';

const disabled: Outcome = { code: 'DisabledException', text: 'is disabled.' };
const deletion: Outcome = { code: 'KMSInvalidStateException', text: 'is pending deletion.' };
const replicaDeletion: Outcome = {
  code: 'KMSInvalidStateException',
  text: 'is pending replica deletion.',
};
const notPending: Outcome = { code: 'KMSInvalidStateException', text: 'is not pending deletion.' };
const importing: Outcome = { code: 'KMSInvalidStateException', text: 'is pending import.' };
const unavailable: Outcome = { code: 'KMSInvalidStateException', text: 'is unavailable.' };
const creating: Outcome = { code: 'KMSInvalidStateException', text: 'is creating.' };
const updating: Outcome = { code: 'KMSInvalidStateException', text: 'is updating.' };
const imported: Outcome = {
  code: 'UnsupportedOperationException',
  text: 'origin is EXTERNAL which is not valid for this operation.',
};
const storeKey: Outcome = { code: 'UnsupportedOperationException' };
const onlyStoreKey: Outcome = { ...storeKey, only: inCustomKeyStore };
/** Note 9; the ARN is followed by the origin, whatever it is. */
const notImportable: Outcome = { code: 'UnsupportedOperationException', only: withoutImport };

type Cell = 'ok' | Outcome | readonly Outcome[];
type Row = Partial<Record<KeyState, Cell>>;

/** Pending deletion of either kind. */
const pending: Row = { PendingDeletion: deletion, PendingReplicaDeletion: replicaDeletion };
const always: Row = {};
/** Operations that work with the material. */
const uses: Row = {
  ...pending,
  Disabled: disabled,
  PendingImport: importing,
  Unavailable: unavailable,
  Creating: creating,
};
/** Operations that switch a key on and off. */
const switches: Row = {
  ...pending,
  PendingImport: importing,
  Creating: creating,
  Updating: updating,
};
const rotationChange: Row = {
  ...pending,
  Enabled: onlyStoreKey,
  Disabled: disabled,
  PendingImport: imported,
  Unavailable: storeKey,
  Creating: creating,
  Updating: onlyStoreKey,
};
const rotationRead: Row = {
  Enabled: onlyStoreKey,
  Disabled: onlyStoreKey,
  PendingDeletion: onlyStoreKey,
  PendingReplicaDeletion: onlyStoreKey,
  Unavailable: storeKey,
  Creating: onlyStoreKey,
  Updating: onlyStoreKey,
};
const importable: Row = {
  Enabled: notImportable,
  Disabled: notImportable,
  PendingDeletion: notImportable,
  PendingReplicaDeletion: notImportable,
  Unavailable: notImportable,
  Creating: creating,
};

/** States that a row does not name are `ok`. */
const TABLE: Readonly<Record<string, Row>> = {
  CancelKeyDeletion: {
    Enabled: notPending,
    Disabled: notPending,
    PendingImport: notPending,
    Unavailable: notPending,
    Creating: notPending,
    Updating: notPending,
  },
  CreateAlias: pending,
  CreateGrant: { ...uses, Unavailable: 'ok' },
  Decapsulate: uses,
  Decrypt: uses,
  DeleteAlias: always,
  DeleteImportedKeyMaterial: { ...importable, Updating: updating },
  DeriveSharedSecret: uses,
  DescribeKey: always,
  DisableKey: switches,
  DisableKeyRotation: rotationChange,
  EnableKey: switches,
  EnableKeyRotation: rotationChange,
  Encapsulate: uses,
  Encrypt: uses,
  GenerateDataKey: uses,
  GenerateDataKeyPair: { ...uses, Unavailable: storeKey },
  GenerateDataKeyPairWithoutPlaintext: { ...uses, Unavailable: storeKey },
  GenerateDataKeyWithoutPlaintext: uses,
  GenerateMac: uses,
  GetKeyLastUsage: always,
  GetKeyPolicy: always,
  GetKeyRotationStatus: { ...rotationRead, PendingImport: imported },
  GetParametersForImport: {
    ...importable,
    PendingDeletion: [notImportable, deletion],
    PendingReplicaDeletion: [notImportable, replicaDeletion],
    Updating: updating,
  },
  GetPublicKey: { ...pending, Unavailable: unavailable, Creating: creating },
  ImportKeyMaterial: importable,
  ListAliases: always,
  ListGrants: always,
  ListKeyPolicies: always,
  ListKeyRotations: rotationRead,
  ListResourceTags: always,
  PutKeyPolicy: always,
  ReEncrypt: uses,
  ReplicateKey: { ...uses, Updating: updating },
  RetireGrant: always,
  RevokeGrant: always,
  RotateKeyOnDemand: { ...rotationChange, PendingImport: importing },
  ScheduleKeyDeletion: { ...pending, Updating: updating },
  Sign: uses,
  TagResource: pending,
  UntagResource: pending,
  // Of the new target; the alias's present key may be in any state (note 10).
  UpdateAlias: pending,
  UpdateKeyDescription: pending,
  UpdatePrimaryRegion: uses,
  Verify: uses,
  VerifyMac: uses,
};

function throwIt(outcome: Outcome, key: Key): never {
  if (outcome === notImportable) {
    const text = `${key.arn} origin is ${key.record.origin} which is not valid for this operation.`;
    throw new KmsError(outcome.code, text);
  }
  throw new KmsError(
    outcome.code,
    outcome.text === undefined ? undefined : `${key.arn} ${outcome.text}`,
  );
}

/** Operations of the table, by AWS name. */
export const STATEFUL_OPERATIONS: readonly string[] = Object.freeze(Object.keys(TABLE));

const rows = new Map<string, Row>(Object.entries(TABLE));

/**
 * Throws unless `operation` works on a key in the state that `key` is in.
 * @throws DisabledException, KMSInvalidStateException, UnsupportedOperationException; RangeError
 *   for an operation that is not in the table
 */
export function requireState(operation: string, key: Key): void {
  const row = rows.get(operation);
  if (row === undefined) throw new RangeError(`no row of key states for ${operation}`);
  const cell = row[key.record.state];
  if (cell === undefined || cell === 'ok') return;
  for (const outcome of Array.isArray(cell) ? cell : [cell as Outcome]) {
    if (outcome.only === undefined || outcome.only(key)) throwIt(outcome, key);
  }
}

/** @throws InvalidKeyUsageException `<ARN> key usage is X which is not valid for Y.` */
export function requireUsage(operation: string, key: Key, usage: KeyUsage): void {
  if (key.record.keyUsage === usage) return;
  throw new KmsError(
    'InvalidKeyUsageException',
    `${key.arn} key usage is ${key.record.keyUsage} which is not valid for ${operation}.`,
  );
}
