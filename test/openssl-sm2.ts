/** SM2 by the openssl command line, as a user would do it: a second opinion of signatures and encryption. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The distinguishing id that AWS KMS takes for a message. */
const SIGNER = 'distid:1234567812345678';

type Named = Readonly<Record<string, Uint8Array>>;

/** Runs openssl in a directory with these files; gives what it wrote to `out`. Throws when it fails. */
function openssl(files: Named, ...args: readonly string[]): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'keystrel-sm2-'));
  try {
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(directory, name), bytes);
    execFileSync('openssl', [...args, '-out', 'out'], { cwd: directory, stdio: 'pipe' });
    return readFileSync(join(directory, 'out'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A fresh private key, DER PKCS#8. */
export function opensslSm2Key(): Buffer {
  const pem = openssl({}, 'genpkey', '-algorithm', 'SM2');
  return openssl({ key: pem }, 'pkcs8', '-topk8', '-nocrypt', '-in', 'key', '-outform', 'DER');
}

export function opensslSm2Public(pkcs8: Uint8Array): Buffer {
  return openssl(
    { key: pkcs8 },
    ...['pkey', '-in', 'key', '-inform', 'DER', '-pubout', '-outform', 'DER'],
  );
}

export function opensslSm2Encrypt(spki: Uint8Array, plaintext: Uint8Array): Buffer {
  return openssl(
    { key: spki, in: plaintext },
    ...['pkeyutl', '-encrypt', '-pubin', '-keyform', 'DER', '-inkey', 'key', '-in', 'in'],
  );
}

export function opensslSm2Decrypt(pkcs8: Uint8Array, ciphertext: Uint8Array): Buffer {
  return openssl(
    { key: pkcs8, in: ciphertext },
    ...['pkeyutl', '-decrypt', '-keyform', 'DER', '-inkey', 'key', '-in', 'in'],
  );
}

export function opensslSm2Sign(pkcs8: Uint8Array, message: Uint8Array): Buffer {
  return openssl(
    { key: pkcs8, in: message },
    ...['pkeyutl', '-sign', '-rawin', '-digest', 'sm3', '-pkeyopt', SIGNER],
    ...['-keyform', 'DER', '-inkey', 'key', '-in', 'in'],
  );
}

/** False where openssl says that the signature is none. */
export function opensslSm2Verify(
  spki: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    openssl(
      { key: spki, in: message, signature },
      ...['pkeyutl', '-verify', '-rawin', '-digest', 'sm3', '-pkeyopt', SIGNER, '-pubin'],
      ...['-keyform', 'DER', '-inkey', 'key', '-sigfile', 'signature', '-in', 'in'],
    );
    return true;
  } catch {
    return false;
  }
}
