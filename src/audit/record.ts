/** What goes into an audit record, and the port that makes its line. */
import type { KmsError } from '../core/errors.js';
import type { RandomId } from '../core/random-ids.js';
import type { PrincipalKind } from '../core/records.js';

/** Who made a request: what a record needs to know of the caller. */
export interface AuditPrincipal {
  /** 12 digits. */
  readonly account: string;
  readonly arn: string;
  readonly kind: PrincipalKind;
  readonly name: string;
  readonly accessKeyId: string;
  /** Region that the request is for. */
  readonly region: string;
}

/** What is known of a finished request. Holds no secret and no blob. */
export interface AuditFields {
  /** Wall-clock milliseconds of the request's arrival. */
  readonly time: number;
  readonly requestId: RandomId;
  /** Of the record; one is made unless it is given. */
  readonly eventId?: RandomId | undefined;
  /** AWS name; '' when the request did not come that far. */
  readonly operation: string;
  /** Undefined when the signature was refused. */
  readonly caller: AuditPrincipal | undefined;
  /** The access key id that a refused request named; nothing says that its sender has the key. */
  readonly claimedAccessKeyId?: string | undefined;
  readonly sourceAddress: string;
  readonly userAgent: string;
  /** The Host header; of interest with TLS only. */
  readonly host: string;
  readonly tls: boolean;
  readonly error: KmsError | undefined;
  readonly readOnly: boolean;
  readonly request: object | null;
  readonly response: object | null;
  readonly extra: object | undefined;
  /** ARNs. */
  readonly resources: readonly string[];
}

/** AuditRecorder writes one JSON line; it throws only on programmer errors. */
export interface AuditRecorder {
  build(fields: AuditFields): string;
}

/** Something that the service did to a key by itself. */
export interface ServiceEventFields {
  /** Wall-clock milliseconds. */
  readonly time: number;
  readonly event: 'CreateKey' | 'DeleteKey' | 'RotateKey' | 'DeleteExpiredKeyMaterial';
  readonly account: string;
  readonly region: string;
  readonly keyArn: string;
  readonly details?: object | undefined;
}

/** ServiceEventRecorder writes one JSON line about an act of the service. */
export interface ServiceEventRecorder {
  buildServiceEvent(fields: ServiceEventFields): string;
}
