/**
 * The one table of errors that Keystrel puts on the wire, and the class that carries them.
 *
 * Names, statuses and message forms are those of AWS KMS (API reference, common errors).
 * Throw `KmsError`; match on `code`, never on text. Messages take no secret.
 */

/** One row: HTTP status, whether SDKs may retry, and the member that carries the text. */
export interface ErrorRow {
  readonly status: number;
  readonly retryable: boolean;
  /** Text used when the thrower gives none; absent = the body has no text member at all. */
  readonly message?: string;
  /** `Message` (capital) only where AWS KMS was seen to send it so. */
  readonly member?: 'Message';
}

const client = { status: 400, retryable: false } as const;
const retry = { status: 500, retryable: true } as const;

export const ERRORS = Object.freeze({
  AccessDeniedException: { ...client, member: 'Message' },
  AlreadyExistsException: client,
  ConflictException: client,
  CustomKeyStoreNotFoundException: client,
  DependencyTimeoutException: retry,
  DisabledException: client,
  DryRunOperationException: {
    ...client,
    message: 'The request would have succeeded, but the DryRun option is set.',
  },
  ExpiredImportTokenException: client,
  ExpiredTokenException: {
    ...client,
    message: 'The security token included in the request is expired',
  },
  IncompleteSignatureException: client,
  IncorrectKeyException: {
    ...client,
    message: 'The key ID in the request does not identify a CMK that can perform this operation.',
  },
  IncorrectKeyMaterialException: client,
  InternalFailure: retry,
  InvalidAliasNameException: client,
  InvalidArnException: client,
  InvalidCiphertextException: client,
  InvalidGrantIdException: client,
  InvalidGrantTokenException: client,
  InvalidImportTokenException: client,
  InvalidKeyUsageException: client,
  InvalidMarkerException: client,
  InvalidSignatureException: {
    ...client,
    message:
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
  },
  KMSInternalException: retry,
  KMSInvalidMacException: client,
  KMSInvalidSignatureException: client,
  KMSInvalidStateException: client,
  KeyUnavailableException: retry,
  LimitExceededException: client,
  MalformedPolicyDocumentException: client,
  MissingAuthenticationTokenException: { ...client, message: 'Missing Authentication Token' },
  NotFoundException: client,
  RequestEntityTooLargeException: { status: 413, retryable: false },
  RequestTimeoutException: { status: 408, retryable: false },
  SerializationException: client,
  ServiceUnavailable: { status: 503, retryable: true },
  TagException: client,
  ThrottlingException: {
    status: 400,
    retryable: true,
    message:
      'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.',
  },
  UnknownOperationException: client,
  UnrecognizedClientException: {
    ...client,
    message: 'The security token included in the request is invalid.',
  },
  UnsupportedOperationException: client,
  ValidationException: client,
} satisfies Record<string, ErrorRow>);

export type ErrorCode = keyof typeof ERRORS;

/**
 * KmsError is the only error that may reach a client. `message` is '' when the wire body has no
 * text member. `cause` stays inside (log), never on the wire.
 */
export class KmsError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message?: string, cause?: unknown) {
    const row: ErrorRow = ERRORS[code];
    super(message ?? row.message ?? '', cause === undefined ? undefined : { cause });
    this.name = 'KmsError';
    this.code = code;
  }

  get row(): ErrorRow {
    return ERRORS[this.code];
  }
}

/** True when `error` is a KmsError, with the given code if one is given. */
export function isKmsError(error: unknown, code?: ErrorCode): error is KmsError {
  return error instanceof KmsError && (code === undefined || error.code === code);
}
