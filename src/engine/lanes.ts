/** Which lane a job of a key spec goes to. */
import type { KeySpec } from '../core/records.js';
import { keySpecRow, type LaneName } from '../specs/key-specs.js';
import type { InternalSpec } from './port.js';

export function laneOf(spec: KeySpec): LaneName {
  return keySpecRow(spec).lane;
}

/** Making RSA keys takes so long that it has a lane of its own. */
export function makingLane(spec: KeySpec | InternalSpec): LaneName {
  if (spec === 'DOMAIN' || spec === 'SIGV4_SECRET') return 'symmetric';
  const row = keySpecRow(spec);
  return row.family === 'rsa' ? 'keygen' : row.lane;
}
