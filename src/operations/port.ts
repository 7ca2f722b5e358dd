/**
 * What an operation is: data plus one `run`. The pipeline interprets the data; nothing else knows
 * the order of the steps. See ARCHITECTURE.md, "The way of a request".
 */
import type { Static, TSchema } from '@sinclair/typebox';
import type { AttestedRecipient } from '../attestation/port.js';
import type { Caller } from '../auth/port.js';
import type { Clock } from '../core/clock.js';
import type { Key } from '../keys/key.js';
import type { KeyService } from '../keys/service.js';

/** How a member names a key. */
export type KeyForm = 'keyId' | 'keyArn' | 'aliasName' | 'aliasArn';

export interface KeyReference {
  /** Member of the input, e.g. 'KeyId', 'SourceKeyId'; names the resolved key in `context.keys`. */
  readonly member: string;
  /** The text given, or the ciphertext from which the key is found. */
  readonly id?: string | undefined;
  readonly ciphertext?: import('../core/blob.js').BlobInput | undefined;
  /** A token of a grant on the key. */
  readonly grantToken?: string | undefined;
  /** True where something else than the key's policy decides: keys of other accounts too. */
  readonly anyAccount?: boolean;
  /** True: all four forms; false: id or ARN only. */
  readonly aliases: boolean;
  /** The permission needed on the key, e.g. 'kms:Encrypt', 'kms:ReEncryptFrom'. */
  readonly permission: string;
}

/** Where a request came from. */
export interface RequestOrigin {
  readonly remoteAddress: string;
  readonly tls: boolean;
}

export interface OperationContext {
  readonly caller: Caller;
  readonly clock: Clock;
  readonly service: KeyService;
  readonly requestId: string;
  readonly request: RequestOrigin;
  /** The keys of `access`, in the same order. */
  readonly keys: readonly Key[];
  /**
   * Of an attested request: for whom its secret output is enveloped, after the document was
   * verified. Undefined for all other requests.
   */
  readonly recipient: AttestedRecipient | undefined;
  /**
   * Ends a DryRun: call after all checks and before any effect. Throws DryRunOperationException.
   * A function that needs no `this`: operations take it out of the context.
   */
  readonly endDryRun: (dryRun: boolean | undefined) => void;
}

/** What goes into the CloudTrail record besides what the pipeline knows. */
export interface AuditShape<I, O> {
  readonly readOnly: boolean;
  /** lowerCamelCase members; null where CloudTrail shows null. Never a secret, never a blob. */
  request(input: I): object | null;
  response?(input: I, output: O, keys: readonly Key[]): object | null;
  /** additionalEventData. */
  extra?(input: I, output: O | undefined, keys: readonly Key[]): object | undefined;
  /** Further resource ARNs: aliases, and the key that CreateKey made (output is absent on failure). */
  resources?(
    input: I,
    context: { readonly caller: Caller; readonly output?: O | undefined },
  ): readonly string[];
  /** Records in other Regions, of a request that succeeded. */
  elsewhere?(input: I, output: O, keys: readonly Key[]): readonly ElsewhereRecord[];
}

/** What a request did in another Region than its own, where it has a record too. */
export interface ElsewhereRecord {
  /** Event name: an operation's. */
  readonly event: string;
  readonly region: string;
  readonly request: object | null;
  readonly response: object | null;
  /** ARNs. */
  readonly resources: readonly string[];
}

/** Which token buckets a request draws on; cost 1 each, in the request's Region, unless said. */
export interface Draw {
  readonly quota: string;
  readonly cost?: number;
  readonly region?: string;
}

export interface Operation<S extends TSchema = TSchema, O = unknown> {
  /** AWS name, e.g. 'GenerateDataKey'. */
  readonly name: string;
  readonly input: S;
  /**
   * Keys that the request names; empty for none. Pure. Throws the KmsError of rules that look at
   * the input and its Region alone and that a schema cannot say. `region`: of the request.
   */
  access(input: Static<S>, region: string): readonly KeyReference[];
  /** Buckets; gets the resolved keys (quota class by key spec). Pure. */
  quota(input: Static<S>, keys: readonly Key[]): readonly Draw[];
  readonly audit: AuditShape<Static<S>, O>;
  /** Takes a Recipient: the pipeline verifies its document before keys are looked up. */
  readonly attested?: boolean;
  /** Mutates the state of its key: counts for the hot-key throttle. */
  readonly changesKeyState?: boolean;
  /**
   * The effect; undefined output = 200 with an empty body. Output members are as
   * protocol/codec.encodeOutput takes them: blobs as bytes (secret ones as base64 text, their bytes
   * wiped), times in epoch seconds. Hot operations are no async functions, so that their checks
   * throw at once instead of rejecting: callers catch both.
   */
  run(context: OperationContext, input: Static<S>): Promise<O>;
}

/** Identity with inference, so that a descriptor's types come from its schema. */
export function operation<S extends TSchema, O>(descriptor: Operation<S, O>): Operation<S, O> {
  return Object.freeze(descriptor);
}
