/**
 * Which keys rotate, whatever their state. Source: AWS KMS Developer Guide, "Key states", notes 6
 * and 7, and "Rotate AWS KMS keys"; the text for replicas is that of ReplicateKey.
 */
import { KmsError } from '../core/errors.js';
import type { Key } from './key.js';
import type { RotationStatus } from './service.js';

/** Imported material is rotated on demand only. @throws UnsupportedOperationException */
export function requireNotImported(key: Key): void {
  if (key.record.origin !== 'EXTERNAL') return;
  throw new KmsError(
    'UnsupportedOperationException',
    `${key.arn} origin is EXTERNAL which is not valid for this operation.`,
  );
}

/** @throws UnsupportedOperationException, without text for a key that is not symmetric */
export function requireOnDemand(key: Key): void {
  if (key.spec.family !== 'symmetric') throw new KmsError('UnsupportedOperationException');
  if (key.record.multiRegionRole !== 'REPLICA') return;
  throw new KmsError(
    'UnsupportedOperationException',
    `${key.arn} is not a multi-region primary key.`,
  );
}

/** @throws UnsupportedOperationException, without text for a key that is not symmetric */
export function requireAutomatic(key: Key): void {
  requireNotImported(key);
  requireOnDemand(key);
}

/** See KeyService.rotationStatus: a key that is pending deletion does not rotate. */
export function rotationStatus(key: Key): RotationStatus | undefined {
  requireNotImported(key);
  const { state, rotationPeriodDays, nextRotationAt } = key.record;
  if (rotationPeriodDays === null || nextRotationAt === null) return undefined;
  if (state === 'PendingDeletion' || state === 'PendingReplicaDeletion') return undefined;
  return { periodDays: rotationPeriodDays, nextRotationAt };
}
