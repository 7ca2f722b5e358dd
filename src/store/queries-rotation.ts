/** Queries of rotation: keys that are due, and pages of a key's materials. */
import type { Compilable } from 'kysely';
import type { StoredMaterial } from '../core/records.js';
import type { MaterialList, RegionKey, Scope } from './port.js';
import type { KeyTable, MaterialTable } from './schema.js';
import type { QueryBuilder } from './steps.js';

/** Ordered by region and key id, so that a key that cannot be rotated is passed by. */
export function keysRotationDue(
  db: QueryBuilder,
  now: number,
  limit: number,
  after: RegionKey | undefined,
): Compilable<KeyTable> {
  const query = db
    .selectFrom('keys')
    .selectAll()
    .where('state', '=', 'Enabled')
    .where('next_rotation_at', '<=', now)
    .where((eb) =>
      eb.or([eb('multi_region_role', 'is', null), eb('multi_region_role', '=', 'PRIMARY')]),
    )
    .orderBy('region')
    .orderBy('key_id')
    .limit(limit);
  if (after === undefined) return query;
  const { region, keyId } = after;
  return query.where((eb) =>
    eb.or([
      eb('region', '>', region),
      eb.and([eb('region', '=', region), eb('key_id', '>', keyId)]),
    ]),
  );
}

/** Oldest first; `after` is a materialCursor. */
export function materialsPage(
  db: QueryBuilder,
  scope: Scope,
  keyId: string,
  list: MaterialList,
  limit: number,
  after: string | undefined,
): Compilable<MaterialTable> {
  let query = db
    .selectFrom('materials')
    .selectAll()
    .where('account', '=', scope.account)
    .where('region', '=', scope.region)
    .where('key_id', '=', keyId)
    .orderBy('created_at')
    .orderBy('material_id')
    .limit(limit + 1);
  if (list === 'rotated') query = query.where('rotated_at', 'is not', null);
  if (after === undefined) return query;
  const at = after.indexOf('/');
  const createdAt = Number(after.slice(0, at));
  const materialId = after.slice(at + 1);
  return query.where((eb) =>
    eb.or([
      eb('created_at', '>', createdAt),
      eb.and([eb('created_at', '=', createdAt), eb('material_id', '>', materialId)]),
    ]),
  );
}

/** What `after` of materialsPage is, for the last item of a page. */
export function materialCursor(material: StoredMaterial): string {
  return `${material.createdAt}/${material.materialId}`;
}
