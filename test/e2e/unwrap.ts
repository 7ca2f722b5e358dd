/**
 * Works out every secret of a data directory from its root key file and its database, with node:crypto
 * and the documented formats alone: nothing here comes from src/. File seal only.
 *
 *   root.key   "KSRK" | 1 | 0 | 00 00 | root key (32) | first 8 bytes of SHA-256 of all before
 *   wrapped    nonce (16) | IV (12) | ciphertext | tag (16), by AES-256-GCM under
 *              SP 800-108 counter mode (HMAC-SHA-256, label "keystrel/enc/v1", context nonce)
 */
import { createDecipheriv, createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

export interface Secret {
  /** 'root key', 'domain key N', 'material of KEY-ID', 'secret of ACCESS-KEY-ID'. */
  readonly name: string;
  /** Bytes that are the secret, or a private key in DER PKCS#8. */
  readonly kind: 'secret' | 'pkcs8';
  readonly bytes: Buffer;
}

interface DomainRow {
  readonly id: number;
  readonly region: string;
  readonly wrapped: Buffer;
  readonly created_at: number;
}

interface MaterialRow {
  readonly account: string;
  readonly region: string;
  readonly key_id: string;
  readonly key_spec: string;
  readonly key_usage: string;
  readonly domain_key_id: number;
  readonly wrapped: Buffer;
}

interface AccessKeyRow {
  readonly access_key_id: string;
  readonly principal_arn: string;
  readonly domain_key_id: number;
  readonly wrapped_secret: Buffer;
  readonly expires_at: number | null;
  readonly session_token_sha256: string | null;
}

function rootKey(path: string): Buffer {
  const file = readFileSync(path);
  const head = file.subarray(0, 40);
  const checksum = createHash('sha256').update(head).digest().subarray(0, 8);
  if (file.length !== 48 || file.toString('latin1', 0, 8) !== 'KSRK\x01\0\0\0') {
    throw new Error(`${path} is no plain root key`);
  }
  if (!checksum.equals(file.subarray(40))) throw new Error(`${path} is damaged`);
  return head.subarray(8);
}

/** Opens what a key of the hierarchy has wrapped. */
export function unwrap(key: Buffer, wrapped: Buffer, aad: string): Buffer {
  const nonce = wrapped.subarray(0, 16);
  const oneTime = createHmac('sha256', key)
    .update(Buffer.from([0, 0, 0, 1]))
    .update('keystrel/enc/v1\0')
    .update(nonce)
    .update(Buffer.from([0, 0, 1, 0]))
    .digest();
  const gcm = createDecipheriv('aes-256-gcm', oneTime, wrapped.subarray(16, 28));
  gcm.setAAD(Buffer.from(aad));
  gcm.setAuthTag(wrapped.subarray(-16));
  return Buffer.concat([gcm.update(wrapped.subarray(28, -16)), gcm.final()]);
}

/** Every secret of the region, of the data directory `path`, which a server may be using. */
export async function openDataDirectory(path: string, region: string): Promise<Secret[]> {
  const root = rootKey(join(path, 'root.key'));
  const secrets: Secret[] = [{ name: 'root key', kind: 'secret', bytes: root }];
  const db = new Database(join(path, 'keystrel.db'), { readonly: true });
  try {
    const domains = new Map<number, Buffer>();
    for (const row of db.prepare('SELECT * FROM domain_keys').all() as DomainRow[]) {
      const aad = `keystrel/domain-key/v1/${row.region}/${row.created_at}`;
      const bytes = unwrap(root, row.wrapped, aad);
      domains.set(row.id, bytes);
      secrets.push({ name: `domain key ${row.id}`, kind: 'secret', bytes });
    }
    const materials = db
      .prepare(
        `SELECT m.*, k.key_spec, k.key_usage FROM materials m JOIN keys k
         ON k.account = m.account AND k.region = m.region AND k.key_id = m.key_id
         WHERE m.region = ?`,
      )
      .all(region) as MaterialRow[];
    for (const row of materials) {
      const of = `${row.account}/${row.region}/${row.key_id}/${row.key_spec}/${row.key_usage}`;
      const domain = domains.get(row.domain_key_id)!;
      secrets.push({
        name: `material of ${row.key_id}`,
        kind: /^(RSA|ECC)_/.test(row.key_spec) ? 'pkcs8' : 'secret',
        bytes: unwrap(domain, row.wrapped, `keystrel/material/v1/${of}`),
      });
    }
    const accessKeys = db.prepare('SELECT * FROM access_keys').all() as AccessKeyRow[];
    for (const row of accessKeys) {
      const end = `${row.expires_at ?? ''}/${row.session_token_sha256 ?? ''}`;
      const aad = `keystrel/access-key/v1/${row.access_key_id}/${end}/${row.principal_arn}`;
      secrets.push({
        name: `secret of ${row.access_key_id}`,
        kind: 'secret',
        bytes: unwrap(domains.get(row.domain_key_id)!, row.wrapped_secret, aad),
      });
    }
    return secrets;
  } finally {
    db.close();
  }
}
