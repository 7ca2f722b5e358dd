/** Who is calling: the outcome of authentication. */
export interface Caller {
  /** 12 digits. */
  readonly account: string;
  /** ARN of the principal, e.g. arn:aws:iam::123456789012:user/admin. */
  readonly arn: string;
  readonly kind: 'root' | 'user' | 'role';
  readonly name: string;
  readonly accessKeyId: string;
  /** Region of the credential scope: the region that this request is for. */
  readonly region: string;
}

/** What a transport hands to authentication. Header names are lower case. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** Value of the header, '' when absent; several lines joined with ','. */
  header(name: string): string;
}

export interface Authenticator {
  /**
   * Resolves to the caller, or rejects with the KmsError of the AWS failure
   * (MissingAuthenticationToken, IncompleteSignature, InvalidSignature, UnrecognizedClient,
   * ExpiredToken).
   */
  authenticate(head: RequestHead, body: Uint8Array): Promise<Caller>;
}
