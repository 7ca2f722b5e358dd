/**
 * Fingerprint of all numbers that frames share with the addon: FNV-1a (64 bits, hex) over the sorted
 * lines `GROUP.NAME=value\n`. The Rust twin is native/src/frame/layout.rs.
 */
import {
  ALG,
  D,
  DESCRIPTOR_BYTES,
  FORM,
  FRAME_MAGIC,
  HEADER_BYTES,
  MAX_JOBS_PER_FRAME,
  OP,
  SEAL_OVERHEAD_BYTES,
  SPEC,
  STATUS,
} from './frame-layout.js';

/** Counts what the addon exports beside frames, so that an addon of another time is refused. */
const ADDON_REVISION = 1;

export function layoutFingerprint(): string {
  const frame = {
    MAGIC: FRAME_MAGIC,
    HEADER_BYTES,
    DESCRIPTOR_BYTES,
    MAX_JOBS_PER_FRAME,
    SEAL_OVERHEAD_BYTES,
  };
  const groups: Record<string, Readonly<Record<string, number>>> = {
    OP,
    SPEC,
    ALG,
    FORM,
    D,
    STATUS,
    FRAME: frame,
    ADDON: { REVISION: ADDON_REVISION },
  };
  const lines = Object.entries(groups).flatMap(([group, table]) =>
    Object.entries(table).map(([name, value]) => `${group}.${name}=${value}\n`),
  );
  let hash = 0xcbf29ce484222325n;
  // Plain code unit order, as Rust sorts bytes.
  for (const byte of Buffer.from(lines.sort().join(''))) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}
