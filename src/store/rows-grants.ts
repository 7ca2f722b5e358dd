/** Rows of grants to records and back. Values of a closed set are trusted: only we write them. */
import type { GrantConstraints, GrantOperation, StoredGrant } from '../core/records.js';
import type { GrantTable } from './schema.js';

export function grantOfRow(row: GrantTable): StoredGrant {
  return {
    account: row.account,
    region: row.region,
    keyId: row.key_id,
    grantId: row.grant_id,
    name: row.name,
    granteePrincipal: row.grantee_principal,
    retiringPrincipal: row.retiring_principal,
    operations: row.operations.split(',') as GrantOperation[],
    constraints:
      row.constraints === null ? null : (JSON.parse(row.constraints) as GrantConstraints),
    issuingAccount: row.issuing_account,
    createdAt: row.created_at,
    fingerprint: row.fingerprint,
  };
}

export function rowOfGrant(grant: StoredGrant): GrantTable {
  return {
    account: grant.account,
    region: grant.region,
    key_id: grant.keyId,
    grant_id: grant.grantId,
    name: grant.name,
    grantee_principal: grant.granteePrincipal,
    retiring_principal: grant.retiringPrincipal,
    operations: grant.operations.join(','),
    constraints: grant.constraints === null ? null : JSON.stringify(grant.constraints),
    issuing_account: grant.issuingAccount,
    created_at: grant.createdAt,
    fingerprint: grant.fingerprint,
  };
}
