/** What Encapsulate and Decapsulate share. */
import type { Key } from '../../keys/key.js';
import type { KeyService } from '../../keys/service.js';
import { requireAlgorithm } from '../checks.js';

/** Checks state, usage and algorithm of a key that shall make or open a secret. @throws KmsError */
export function requireEncapsulates(
  service: KeyService,
  operation: 'Encapsulate' | 'Decapsulate',
  key: Key,
  algorithm: string,
): void {
  service.requireState(operation, key);
  service.requireUsage(operation, key, 'ENCAPSULATE_DECAPSULATE');
  requireAlgorithm(key, key.spec.encapsulationAlgorithms, algorithm);
}

interface EncapsulationInput {
  readonly KeyId: string;
  readonly EncapsulationAlgorithm: string;
}

export const encapsulationAudit = {
  readOnly: true,
  request: (input: EncapsulationInput) => ({
    keyId: input.KeyId,
    encapsulationAlgorithm: input.EncapsulationAlgorithm,
  }),
} as const;
