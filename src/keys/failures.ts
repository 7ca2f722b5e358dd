/** Turns failures of what the domain stands on into KmsErrors; the cause stays for the log. */
import { isKmsError, KmsError } from '../core/errors.js';
import { StoreError, type StoreErrorCode } from '../store/port.js';

/** True when `error` is the store's error of that kind. */
export function isStoreError(error: unknown, code: StoreErrorCode): boolean {
  return error instanceof StoreError && error.code === code;
}

/**
 * Whatever the store could not do that its caller did not expect (FULL, UNAVAILABLE, CORRUPT, a
 * CONFLICT that does not end) is ours to answer for: clients retry KMSInternalException.
 */
export function storeFailure(error: unknown): KmsError {
  return isKmsError(error) ? error : new KmsError('KMSInternalException', undefined, error);
}

/**
 * A stored secret that does not unwrap is damage to the store, never the fault of a request; so
 * that only being overloaded keeps its name.
 */
export function unwrapFailure(failure: KmsError): KmsError {
  if (failure.code === 'ThrottlingException' || failure.code === 'KMSInternalException') {
    return failure;
  }
  return new KmsError('KMSInternalException', undefined, failure);
}
