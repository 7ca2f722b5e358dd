/**
 * What an import, a deletion or the expiry of key material makes of a key: pure, from the key's
 * record and the rows of its materials. Source: AWS KMS Developer Guide, "Importing key material".
 *
 * A row stays when its material goes: its id is the proof that what comes back is the same (it is an
 * HMAC of the key id under the material). Only material that never became part of the key, because
 * it still waited for a rotation, goes with its row.
 */
import { KmsError } from '../core/errors.js';
import type {
  ExpirationModel,
  KeyState,
  MaterialState,
  StoredKey,
  StoredMaterial,
} from '../core/records.js';
import type { KeyPatch, MaterialChange } from '../store/port.js';
import type { Key } from './key.js';

export type ImportType = 'NEW_KEY_MATERIAL' | 'EXISTING_KEY_MATERIAL';

/** Material that was unwrapped, and what the request says of it. */
export interface Incoming {
  readonly materialId: string;
  readonly domainKeyId: number;
  readonly wrapped: Uint8Array;
  /** DER SPKI of a private key. */
  readonly publicKey: Uint8Array | undefined;
  /** Undefined: new for a key that never had any, else existing. */
  readonly importType: ImportType | undefined;
  readonly expirationModel: ExpirationModel;
  /** Milliseconds since the epoch; null where it does not expire. */
  readonly validTo: number | null;
  readonly description: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface Plan {
  readonly patch: KeyPatch;
  readonly materials: MaterialChange;
  /** Id of the material that it changes, where that waits for a rotation. */
  readonly pending?: string;
}

/** Waits for a rotation, so that the key can do without it. */
export function isPending(state: MaterialState): boolean {
  return state === 'PENDING_ROTATION' || state === 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION';
}

const NO_BYTES = new Uint8Array(0);

function incorrect(text: string): KmsError {
  return new KmsError('IncorrectKeyMaterialException', text);
}

/**
 * What a key shows of its imported materials: nothing unless all that belong to it are there, and
 * of several ends the earliest.
 */
export function importedFields(
  rows: readonly StoredMaterial[],
): Pick<StoredKey, 'expirationModel' | 'validTo'> {
  const associated = rows.filter((row) => !isPending(row.state));
  const whole = associated.length > 0 && associated.every((row) => row.importState === 'IMPORTED');
  if (!whole) return { expirationModel: null, validTo: null };
  const ends = associated.map((row) => row.validTo).filter((end) => end !== null);
  return ends.length === 0
    ? { expirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE', validTo: null }
    : { expirationModel: 'KEY_MATERIAL_EXPIRES', validTo: Math.min(...ends) };
}

/** A key works while all of its materials are there; what else its state says stays. */
function stateWith(state: KeyState, whole: boolean): KeyState {
  if (whole) return state === 'PendingImport' ? 'Enabled' : state;
  return state === 'Enabled' || state === 'Disabled' ? 'PendingImport' : state;
}

/** The key's own columns when its rows are these. */
function keyPatch(record: StoredKey, rows: readonly StoredMaterial[]): KeyPatch {
  const fields = importedFields(rows);
  return { ...fields, state: stateWith(record.state, fields.expirationModel !== null) };
}

function replaced(rows: readonly StoredMaterial[], by: StoredMaterial): readonly StoredMaterial[] {
  return [...rows.filter((row) => row.materialId !== by.materialId), by];
}

function newRow(record: StoredKey, state: MaterialState, incoming: Incoming): StoredMaterial {
  const { account, region, keyId } = record;
  return {
    account,
    region,
    keyId,
    materialId: incoming.materialId,
    domainKeyId: incoming.domainKeyId,
    wrapped: incoming.wrapped,
    createdAt: incoming.now,
    state,
    rotationType: null,
    rotatedAt: null,
    importState: 'IMPORTED',
    expirationModel: incoming.expirationModel,
    validTo: incoming.validTo,
    description: incoming.description ?? null,
  };
}

/** @throws IncorrectKeyMaterialException, KMSInvalidStateException, UnsupportedOperationException */
function planNew(key: Key, rows: readonly StoredMaterial[], incoming: Incoming): Plan {
  const { record } = key;
  const { materialId } = incoming;
  if (record.multiRegionRole === 'REPLICA') {
    throw new KmsError(
      'UnsupportedOperationException',
      `${key.arn} is not a multi-region primary key.`,
    );
  }
  if (rows.some((row) => row.materialId === materialId)) {
    throw incorrect('The key material is associated with the KMS key already.');
  }
  if (rows.length === 0) {
    const first = newRow(record, 'CURRENT', incoming);
    const patch = {
      ...keyPatch(record, [first]),
      currentMaterialId: materialId,
      publicKey: incoming.publicKey ?? null,
    };
    return { patch, materials: { put: [first] } };
  }
  if (key.spec.family !== 'symmetric') {
    throw incorrect('The key material is not the one that was imported into the KMS key first.');
  }
  const pending = rows.find((row) => isPending(row.state));
  if (pending !== undefined) {
    throw new KmsError(
      'KMSInvalidStateException',
      `New key material (id: ${materialId}) cannot be imported into KMS key ${record.keyId}, ` +
        `because another key material (id: ${pending.materialId}) is pending rotation.`,
    );
  }
  const next = newRow(record, 'PENDING_ROTATION', incoming);
  return { patch: keyPatch(record, rows), materials: { put: [next] }, pending: materialId };
}

/** @throws IncorrectKeyMaterialException */
function planExisting(key: Key, rows: readonly StoredMaterial[], incoming: Incoming): Plan {
  const known = rows.find((row) => row.materialId === incoming.materialId);
  if (known === undefined) {
    throw incorrect('The key material is not one that was imported into the KMS key before.');
  }
  const row: StoredMaterial = {
    ...known,
    domainKeyId: incoming.domainKeyId,
    wrapped: incoming.wrapped,
    importState: 'IMPORTED',
    expirationModel: incoming.expirationModel,
    validTo: incoming.validTo,
    description: incoming.description ?? known.description,
  };
  const patch = keyPatch(key.record, replaced(rows, row));
  const publicKey = incoming.publicKey === undefined ? {} : { publicKey: incoming.publicKey };
  const pending = isPending(row.state) ? { pending: row.materialId } : {};
  return { patch: { ...patch, ...publicKey }, materials: { put: [row] }, ...pending };
}

/**
 * The change that an import makes.
 * @throws IncorrectKeyMaterialException, KMSInvalidStateException, UnsupportedOperationException
 */
export function planImport(key: Key, rows: readonly StoredMaterial[], incoming: Incoming): Plan {
  const type =
    incoming.importType ?? (rows.length === 0 ? 'NEW_KEY_MATERIAL' : 'EXISTING_KEY_MATERIAL');
  return type === 'NEW_KEY_MATERIAL'
    ? planNew(key, rows, incoming)
    : planExisting(key, rows, incoming);
}

/** The change that takes one material away; undefined where it is gone already. */
export function planRemoval(
  record: StoredKey,
  rows: readonly StoredMaterial[],
  materialId: string,
): Plan | undefined {
  const row = rows.find((one) => one.materialId === materialId);
  if (row === undefined) return undefined;
  const pending = isPending(row.state) ? { pending: materialId } : {};
  // A replica's is the primary's, too: only its bytes go.
  if (isPending(row.state) && record.multiRegionRole !== 'REPLICA') {
    const rest = rows.filter((one) => one !== row);
    return { patch: keyPatch(record, rest), materials: { remove: [materialId] }, ...pending };
  }
  if (row.importState !== 'IMPORTED') return undefined;
  const emptied: StoredMaterial = {
    ...row,
    wrapped: NO_BYTES,
    importState: 'PENDING_IMPORT',
    expirationModel: null,
    validTo: null,
  };
  const patch = keyPatch(record, replaced(rows, emptied));
  return { patch, materials: { put: [emptied] }, ...pending };
}
