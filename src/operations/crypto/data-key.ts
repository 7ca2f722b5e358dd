/** What the four data-key operations share: the rules of their inputs and of the wrapping key. */
import { KmsError } from '../../core/errors.js';
import type { KeySpec } from '../../core/records.js';
import type { Key } from '../../keys/key.js';
import type { KeyService } from '../../keys/service.js';
import { KEY_SPECS, keySpecRow, offeredIn } from '../../specs/key-specs.js';
import { requireAlgorithm } from '../checks.js';
import { SYMMETRIC_DEFAULT } from '../members.js';
import type { Draw } from '../port.js';

const DATA_KEY_BYTES: Readonly<Record<string, number>> = Object.freeze({
  AES_128: 16,
  AES_256: 32,
});

interface DataKeySize {
  readonly KeySpec?: string | undefined;
  readonly NumberOfBytes?: number | undefined;
}

/** Length of the data key in bytes. @throws ValidationException unless one member says it */
export function dataKeyBytes(input: DataKeySize): number {
  const bytes = input.KeySpec === undefined ? input.NumberOfBytes : DATA_KEY_BYTES[input.KeySpec];
  if (bytes === undefined || (input.KeySpec !== undefined && input.NumberOfBytes !== undefined)) {
    throw new KmsError('ValidationException', 'Please specify either number of bytes or key spec.');
  }
  return bytes;
}

/** Data keys are wrapped by symmetric encryption keys only. @throws KmsError */
export function requireWraps(service: KeyService, operation: string, key: Key): void {
  service.requireState(operation, key);
  service.requireUsage(operation, key, 'ENCRYPT_DECRYPT');
  requireAlgorithm(key, key.spec.encryptionAlgorithms, SYMMETRIC_DEFAULT);
}

const PAIR_SPECS = new Set<string>(
  KEY_SPECS.filter((row) => row.dataKeyPair).map((row) => row.spec),
);

/** @throws UnsupportedOperationException for a pair spec of AWS's that is not offered yet */
export function requirePairSpec(spec: string): KeySpec {
  if (PAIR_SPECS.has(spec)) return spec as KeySpec;
  throw new KmsError('UnsupportedOperationException', `KeyPairSpec ${spec} is not supported.`);
}

/** @throws UnsupportedOperationException for a pair spec that AWS does not offer in that Region */
export function requirePairSpecIn(spec: KeySpec, region: string): void {
  if (offeredIn(keySpecRow(spec), region)) return;
  throw new KmsError('UnsupportedOperationException', `KeyPairSpec ${spec} is not supported.`);
}

const PAIR_DRAWS = new Map<string, readonly Draw[]>(
  [...PAIR_SPECS].map((spec) => [
    spec,
    Object.freeze([Object.freeze({ quota: `GenerateDataKeyPair:${spec}` })]),
  ]),
);

/** The quota of a pair spec, which both pair operations share. */
export function pairDraws(input: { readonly KeyPairSpec: string }): readonly Draw[] {
  return PAIR_DRAWS.get(input.KeyPairSpec)!;
}
