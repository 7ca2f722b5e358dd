/**
 * Authentication by AWS Signature Version 4 in the Authorization header; see
 * docs/authentication.md for what is accepted and which error each failure gives.
 *
 * Two ways lead to the check: KnownRequests for requests like earlier ones, readSignedRequest for
 * all others. Both give the same SignedRequest; the signature is checked in one native call, in
 * constant time. What depends on who the caller is (session token, expiry) is looked at after the
 * signature, so that nobody without the secret learns it.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../core/clock.js';
import { KmsError } from '../core/errors.js';
import { mapped } from '../core/later.js';
import { BoundedMap } from './bounded-map.js';
import { KnownRequests } from './known-requests.js';
import type {
  AccessKeyEntry,
  AccessKeySource,
  Authenticator,
  Caller,
  RequestHead,
  SigV4Outcome,
  SigV4Verifier,
} from './port.js';
import { readSignedRequest, type SignedRequest, type SigningRules } from './signed-request.js';

/** Ours: callers of one generation of the cache; one per access key and region. */
const CALLERS_MAX = 4_096;

export interface SigV4AuthenticatorOptions {
  readonly accessKeys: AccessKeySource;
  readonly verifier: SigV4Verifier;
  readonly clock: Clock;
  /** Service of the credential scope; 'kms' unless given. */
  readonly service?: string;
  /** Regions that are served; any well-formed one unless given. */
  readonly regions?: readonly string[];
}

export function createSigV4Authenticator(options: SigV4AuthenticatorOptions): Authenticator {
  return new SigV4Authenticator(options);
}

/** A check of a signature that is under way. */
interface Check {
  readonly request: SignedRequest;
  readonly entry: AccessKeyEntry;
  readonly body: Uint8Array;
  readonly mayRepeat: boolean;
}

interface KnownCaller {
  readonly entry: AccessKeyEntry;
  readonly caller: Caller;
}

class SigV4Authenticator implements Authenticator {
  readonly #accessKeys: AccessKeySource;
  readonly #verifier: SigV4Verifier;
  readonly #clock: Clock;
  readonly #rules: SigningRules;
  readonly #known = new KnownRequests();
  readonly #callers = new BoundedMap<KnownCaller>(CALLERS_MAX);
  /** Of the request before. */
  #last: KnownCaller | undefined;

  constructor(options: SigV4AuthenticatorOptions) {
    this.#accessKeys = options.accessKeys;
    this.#verifier = options.verifier;
    this.#clock = options.clock;
    this.#rules = {
      service: options.service ?? 'kms',
      regions: options.regions === undefined ? undefined : new Set(options.regions),
    };
  }

  authenticate(head: RequestHead, body: Uint8Array): Promise<Caller> {
    try {
      const now = this.#clock.now();
      const known = this.#known.read(head, now);
      const request = known ?? readSignedRequest(head, this.#rules, now);
      const caller = this.#identify(request, body, true);
      if (known !== undefined) return caller;
      return caller.then((identified) => {
        this.#known.remember(head, request);
        return identified;
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #identify(request: SignedRequest, body: Uint8Array, mayRepeat: boolean): Promise<Caller> {
    const found = this.#accessKeys.find(request.terms.accessKeyId);
    return found instanceof Promise
      ? found.then((entry) => this.#check(request, entry, body, mayRepeat))
      : this.#check(request, found, body, mayRepeat);
  }

  /**
   * An unknown and an inactive key are refused alike, after the same look-up. AWS's error tells
   * them from a wrong signature anyway, so no signature is computed for show.
   */
  #check(
    request: SignedRequest,
    entry: AccessKeyEntry | undefined,
    body: Uint8Array,
    mayRepeat: boolean,
  ): Promise<Caller> {
    if (entry?.active !== true) throw new KmsError('UnrecognizedClientException');
    const { signature, dates, canonical, contentSha256 } = request;
    if (canonical === undefined) throw new KmsError('InvalidSignatureException');
    const wantsHash = contentSha256 !== undefined;
    const tail = signature + dates;
    const check = this.#verifier.verifySigV4(entry.secret, canonical, body, tail, wantsHash);
    return mapped(check, { request, entry, body, mayRepeat }, this.#conclude, this.#repeat);
  }

  /** The key was reloaded or deleted while the check waited: the look-up knows better now. */
  readonly #repeat = (error: unknown, { request, body, mayRepeat }: Check): Promise<Caller> => {
    if (!mayRepeat || !isStaleKey(error)) throw error;
    return this.#identify(request, body, false);
  };

  readonly #conclude = (outcome: SigV4Outcome, { request, entry }: Check): Caller => {
    const { contentSha256, securityToken, terms } = request;
    if (!outcome.ok || (contentSha256 !== undefined && contentSha256 !== outcome.payloadHash)) {
      throw new KmsError('InvalidSignatureException');
    }
    if (!isToken(securityToken, entry.sessionTokenSha256)) {
      throw new KmsError('UnrecognizedClientException');
    }
    if (entry.expiresAt !== null && this.#clock.now() >= entry.expiresAt) {
      throw new KmsError('ExpiredTokenException');
    }
    return this.#callerOf(entry, terms.region);
  };

  #callerOf(entry: AccessKeyEntry, region: string): Caller {
    const last = this.#last;
    if (last !== undefined && last.entry === entry && last.caller.region === region) {
      return last.caller;
    }
    const name = `${entry.accessKeyId}/${region}`;
    const cached = this.#callers.get(name);
    if (cached?.entry === entry) {
      this.#last = cached;
      return cached.caller;
    }
    const caller: Caller = Object.freeze({
      account: entry.account,
      arn: entry.principalArn,
      kind: entry.kind,
      name: entry.name,
      accessKeyId: entry.accessKeyId,
      region,
    });
    this.#callers.set(name, { entry, caller });
    return caller;
  }
}

/** Compares in constant time; a long-term key goes without a token, a temporary one with its own. */
function isToken(token: string | undefined, sha256: string | null): boolean {
  if (token === undefined || sha256 === null) return token === undefined && sha256 === null;
  const expected = Buffer.from(sha256, 'hex');
  const given = createHash('sha256').update(token).digest();
  return expected.length === given.length && timingSafeEqual(expected, given);
}

/** The engine's status for a handle that was freed; its error class is not ours to import. */
function isStaleKey(error: unknown): boolean {
  return (error as { status?: unknown } | null | undefined)?.status === 'BAD_KEY';
}
