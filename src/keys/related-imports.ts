/**
 * Imported material of multi-Region keys. Related keys have the same materials, but each Region has
 * to be given the bytes. New material, imported into the primary, waits until every replica has it
 * too (PENDING_MULTI_REGION_IMPORT_AND_ROTATION), and then for the rotation (PENDING_ROTATION). AWS
 * KMS Developer Guide, "Import key material into multi-Region keys".
 */
import type { MaterialState, StoredKey, StoredMaterial } from '../core/records.js';
import type { RelatedKeyChange, Store } from '../store/port.js';
import type { Plan } from './import-plan.js';

const NO_BYTES = new Uint8Array(0);

async function othersOf(store: Store, record: StoredKey): Promise<readonly StoredKey[]> {
  if (!record.multiRegion) return [];
  const related = await store.listRelatedKeys(record.account, record.keyId);
  return related.filter((one) => one.region !== record.region);
}

function rowIn(
  store: Store,
  { account, region, keyId }: StoredKey,
  materialId: string,
): Promise<StoredMaterial | undefined> {
  return store.getMaterial({ account, region }, keyId, materialId);
}

/** True when all related keys have the material's bytes. */
export async function isImportedEverywhere(
  store: Store,
  record: StoredKey,
  materialId: string,
): Promise<boolean> {
  const others = await othersOf(store, record);
  const rows = await Promise.all(others.map((one) => rowIn(store, one, materialId)));
  return rows.every((row) => row?.importState === 'IMPORTED');
}

/**
 * Writes a plan against the key's version. What it does to material that waits for a rotation is
 * done to the rows of all related keys in the same transaction. For use inside a KeyChanges write.
 */
export async function writePlan(store: Store, record: StoredKey, plan: Plan): Promise<StoredKey> {
  const { account, region, keyId, version } = record;
  const { patch, materials, pending } = plan;
  const others = pending === undefined ? [] : await othersOf(store, record);
  if (pending === undefined || others.length === 0) {
    return store.updateKeyMaterials({ account, region }, keyId, version, patch, materials);
  }
  const rows = await Promise.all(others.map((one) => rowIn(store, one, pending)));
  const mine = materials.put?.[0];
  const state = stateOf([mine, ...rows]);
  const changes = others.map((other, i): RelatedKeyChange => {
    const change =
      mine === undefined
        ? { remove: [pending] }
        : { put: [{ ...(rows[i] ?? withoutBytes(mine, other)), state }] };
    return { region: other.region, expectVersion: other.version, patch: {}, materials: change };
  });
  const own = mine === undefined ? materials : { put: [{ ...mine, state }] };
  const updated = await store.updateRelatedKeys(account, keyId, [
    { region, expectVersion: version, patch, materials: own },
    ...changes,
  ]);
  return updated[0]!;
}

function stateOf(rows: readonly (StoredMaterial | undefined)[]): MaterialState {
  return rows.every((row) => row?.importState === 'IMPORTED')
    ? 'PENDING_ROTATION'
    : 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION';
}

/** The row of a related key that has to be given the bytes yet. */
function withoutBytes(row: StoredMaterial, of: StoredKey): StoredMaterial {
  const absent = { importState: 'PENDING_IMPORT', expirationModel: null, validTo: null } as const;
  return { ...row, ...absent, region: of.region, wrapped: NO_BYTES };
}
