/** What GenerateMac and VerifyMac share. */
import type { Key } from '../../keys/key.js';
import type { KeyService } from '../../keys/service.js';
import { requireAlgorithm } from '../checks.js';

/** Checks state, usage and algorithm of a key that shall make or check a MAC. @throws KmsError */
export function requireMacs(
  service: KeyService,
  operation: 'GenerateMac' | 'VerifyMac',
  key: Key,
  algorithm: string,
): void {
  service.requireState(operation, key);
  service.requireUsage(operation, key, 'GENERATE_VERIFY_MAC');
  requireAlgorithm(key, key.spec.macAlgorithms, algorithm);
}
