/**
 * The port of authentication: who is calling, and what the SigV4 authenticator needs from others
 * (access keys, and the engine's check of a signature).
 */
import type { KeyHandle } from '../core/key-handle.js';
import type { PrincipalKind } from '../core/records.js';

/** Who is calling: the outcome of authentication. */
export interface Caller {
  /** 12 digits. */
  readonly account: string;
  /** ARN of the principal, e.g. arn:aws:iam::123456789012:user/admin. */
  readonly arn: string;
  readonly kind: PrincipalKind;
  readonly name: string;
  readonly accessKeyId: string;
  /** Region of the credential scope: the region that this request is for. */
  readonly region: string;
}

/** Header lines in their order: names in lower case, values without the space around them. */
export interface HeaderLinesView {
  readonly names: readonly string[];
  /** As many as `names`. */
  readonly values: readonly string[];
}

/** What a transport hands to authentication. Header names are lower case. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly lines: HeaderLinesView;
  /** Value of the header, '' when absent; several lines joined with ','. */
  header(name: string): string;
}

export interface Authenticator {
  /**
   * Resolves to the caller, or rejects with the KmsError of the AWS failure
   * (MissingAuthenticationToken, IncompleteSignature, InvalidSignature, UnrecognizedClient,
   * ExpiredToken). Never throws synchronously.
   */
  authenticate(head: RequestHead, body: Uint8Array): Promise<Caller>;
}

/** An access key as authentication sees it: its secret is a handle. */
export interface AccessKeyEntry {
  readonly accessKeyId: string;
  /** The secret access key (spec SIGV4_SECRET). */
  readonly secret: KeyHandle;
  /** 12 digits. */
  readonly account: string;
  readonly principalArn: string;
  readonly kind: PrincipalKind;
  readonly name: string;
  readonly active: boolean;
  /** 64 lower-case hex digits for a temporary key, null for a long-term one. */
  readonly sessionTokenSha256: string | null;
  /** Milliseconds since the epoch; null = never. */
  readonly expiresAt: number | null;
}

export interface AccessKeySource {
  /**
   * The access key, or undefined when there is none. Called once per request with 1 to 128
   * characters of [A-Za-z0-9_] that a stranger chose, so misses must cost little; a key that is
   * cached should come back without a promise. The same object while nothing changed lets the
   * authenticator reuse the Caller.
   */
  find(accessKeyId: string): AccessKeyEntry | undefined | Promise<AccessKeyEntry | undefined>;
}

export interface SigV4Outcome {
  /** False when the signature does not match. */
  readonly ok: boolean;
  /** Lower-case hex SHA-256 of the body. */
  readonly payloadHash: string;
}

/** The engine's check; see engine/port.ts and OP.SIGV4. */
export interface SigV4Verifier {
  /**
   * `canonical`: the canonical request up to and including the newline before the payload hash,
   * ASCII. `tail`: 64 hex digits of the signature | amzDate "\n" scope "\n". `hash` false: the
   * payload's hash is not asked for, and '' is given.
   */
  verifySigV4(
    secret: KeyHandle,
    canonical: string | Uint8Array,
    body: Uint8Array,
    tail: string,
    hash?: boolean,
  ): Promise<SigV4Outcome>;
}
