/** Reads of one row: prepared once, by hand, because requests wait for them (about 5 µs each). */
import type { Scope } from '../port.js';
import type {
  AccessKeyTable,
  AliasTable,
  GrantTable,
  KeyTable,
  MaterialTable,
  PrincipalTable,
} from '../schema.js';
import { RowStatement, type Sqlite } from './connection.js';

export interface PointReads {
  meta(name: string): string | undefined;
  key(scope: Scope, keyId: string): KeyTable | undefined;
  keyInRegion(region: string, keyId: string): KeyTable | undefined;
  material(scope: Scope, keyId: string, materialId: string): MaterialTable | undefined;
  materialByPrefix(scope: Scope, keyId: string, prefix: string): MaterialTable | undefined;
  alias(scope: Scope, name: string): AliasTable | undefined;
  grant(scope: Scope, keyId: string, grantId: string): GrantTable | undefined;
  principal(arn: string): PrincipalTable | undefined;
  accessKey(accessKeyId: string): AccessKeyTable | undefined;
}

export function preparePointReads(db: Sqlite): PointReads {
  const read = <Row>(text: string) => new RowStatement<Row>(db.prepare(text));
  const meta = db.prepare<[string], string>('select value from meta where name = ?').pluck();
  const key = read<KeyTable>('select * from keys where account = ? and region = ? and key_id = ?');
  const keyInRegion = read<KeyTable>('select * from keys where region = ? and key_id = ?');
  const material = read<MaterialTable>(
    'select * from materials where account = ? and region = ? and key_id = ? and material_id = ?',
  );
  // Behind the last hex digit in any collation: a range of the primary key.
  const materialByPrefix = read<MaterialTable>(
    "select * from materials where account = ? and region = ? and key_id = ? and material_id >= ? and material_id < ? || 'g' limit 1",
  );
  const alias = read<AliasTable>(
    'select * from aliases where account = ? and region = ? and name = ?',
  );
  const grant = read<GrantTable>(
    'select * from grants where account = ? and region = ? and key_id = ? and grant_id = ?',
  );
  const principal = read<PrincipalTable>('select * from principals where arn = ?');
  const accessKey = read<AccessKeyTable>('select * from access_keys where access_key_id = ?');
  return {
    meta: (name) => meta.get(name),
    key: ({ account, region }, keyId) => key.get(account, region, keyId),
    keyInRegion: (region, keyId) => keyInRegion.get(region, keyId),
    material: ({ account, region }, keyId, id) => material.get(account, region, keyId, id),
    materialByPrefix: ({ account, region }, keyId, prefix) =>
      materialByPrefix.get(account, region, keyId, prefix, prefix),
    alias: ({ account, region }, name) => alias.get(account, region, name),
    grant: ({ account, region }, keyId, id) => grant.get(account, region, keyId, id),
    principal: (arn) => principal.get(arn),
    accessKey: (accessKeyId) => accessKey.get(accessKeyId),
  };
}
