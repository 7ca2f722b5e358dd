/**
 * The tables, as Kysely types. One schema for every SQL database: text, whole numbers and bytes
 * only; booleans are 0 or 1, times are milliseconds since the Unix epoch.
 */
import type { Generated } from 'kysely';

export interface MetaTable {
  name: string;
  value: string;
}

export interface KeyTable {
  account: string;
  region: string;
  key_id: string;
  version: number;
  key_spec: string;
  key_usage: string;
  origin: string;
  key_manager: string;
  state: string;
  description: string;
  multi_region: number;
  created_at: number;
  deletion_date: number | null;
  pending_window_days: number | null;
  current_material_id: string | null;
  public_key: Uint8Array | null;
  policy: string | null;
  rotation_period_days: number | null;
  next_rotation_at: number | null;
  expiration_model: string | null;
  valid_to: number | null;
  multi_region_role: string | null;
  primary_region: string | null;
  service: string | null;
}

export interface MaterialTable {
  account: string;
  region: string;
  key_id: string;
  material_id: string;
  domain_key_id: number;
  wrapped: Uint8Array;
  created_at: number;
  state: string;
  rotation_type: string | null;
  rotated_at: number | null;
  import_state: string | null;
  expiration_model: string | null;
  valid_to: number | null;
  description: string | null;
}

export interface AliasTable {
  account: string;
  region: string;
  name: string;
  target_key_id: string;
  created_at: number;
  updated_at: number;
}

export interface TagTable {
  account: string;
  region: string;
  key_id: string;
  tag_key: string;
  tag_value: string;
}

export interface KeyUseTable {
  account: string;
  region: string;
  key_id: string;
  operation: string;
  used_at: number;
  request_id: string;
  event_id: string;
}

export interface GrantTable {
  account: string;
  region: string;
  key_id: string;
  grant_id: string;
  name: string | null;
  grantee_principal: string;
  retiring_principal: string | null;
  /** Joined by commas. */
  operations: string;
  /** JSON of the record's constraints. */
  constraints: string | null;
  issuing_account: string;
  created_at: number;
  fingerprint: string | null;
}

/** How many customer managed keys an account has in a Region: counting them takes too long. */
export interface KeyCountTable {
  account: string;
  region: string;
  keys: number;
}

/** How many grants a key has: counting 50,000 rows before each new one would cost too much. */
export interface GrantCountTable {
  account: string;
  region: string;
  key_id: string;
  grants: number;
}

export interface DomainKeyTable {
  id: Generated<number>;
  region: string;
  wrapped: Uint8Array;
  created_at: number;
}

export interface PrincipalTable {
  arn: string;
  account: string;
  kind: string;
  name: string;
  created_at: number;
}

export interface AccessKeyTable {
  access_key_id: string;
  principal_arn: string;
  domain_key_id: number;
  wrapped_secret: Uint8Array;
  active: number;
  created_at: number;
  session_token_sha256: string | null;
  expires_at: number | null;
}

/** The change feed: one row per changed thing, written by the mutation's own transaction. */
export interface ChangeTable {
  sequence: Generated<number>;
  kind: string;
  account: string;
  region: string;
  id: string;
}

/** The migrations that have run. */
export interface SchemaVersionTable {
  version: number;
  applied_at: number;
}

export interface Schema {
  meta: MetaTable;
  keys: KeyTable;
  key_counts: KeyCountTable;
  materials: MaterialTable;
  aliases: AliasTable;
  tags: TagTable;
  key_uses: KeyUseTable;
  grants: GrantTable;
  grant_counts: GrantCountTable;
  domain_keys: DomainKeyTable;
  principals: PrincipalTable;
  access_keys: AccessKeyTable;
  changes: ChangeTable;
  schema_versions: SchemaVersionTable;
}
