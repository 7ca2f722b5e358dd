/**
 * One request on its way through the pipeline, with what is known of it so far. Operations see it
 * as their context; the audit record is made from it, however far the request came.
 */
import type { AttestedRecipient } from '../attestation/port.js';
import type { Caller } from '../auth/port.js';
import type { Clock } from '../core/clock.js';
import { KmsError } from '../core/errors.js';
import type { RandomId } from '../core/random-ids.js';
import type { GrantReference } from '../keys/grant-tokens.js';
import type { Key } from '../keys/key.js';
import type { KeyService } from '../keys/service.js';
import type { Operation, OperationContext } from '../operations/port.js';
import type { HttpRequest } from './transport.js';

const NO_KEYS: readonly Key[] = Object.freeze([]);
const NO_GRANTS: readonly GrantReference[] = Object.freeze([]);

function endDryRun(dryRun: boolean | undefined): void {
  if (dryRun === true) throw new KmsError('DryRunOperationException');
}

export class Exchange implements OperationContext {
  readonly request: HttpRequest;
  readonly requestId: RandomId;
  readonly clock: Clock;
  readonly service: KeyService;
  /** Wall-clock milliseconds and monotonic milliseconds of the start. */
  readonly time: number;
  readonly startedAt: number;
  readonly endDryRun = endDryRun;

  identified: Caller | undefined = undefined;
  operation: Operation | undefined = undefined;
  input: unknown = undefined;
  recipient: AttestedRecipient | undefined = undefined;
  keys: readonly Key[] = NO_KEYS;
  /** What the request's grant tokens name, after they were verified. */
  grants: readonly GrantReference[] = NO_GRANTS;
  output: unknown = undefined;
  /** True when its success is a use of its keys. */
  isUse = false;
  /** Of the audit record, where it has to be known. */
  eventId: RandomId | undefined = undefined;
  error: KmsError | undefined = undefined;
  /** The reply as it stands. */
  status = 200;
  body = '';

  constructor(request: HttpRequest, requestId: RandomId, clock: Clock, service: KeyService) {
    this.request = request;
    this.requestId = requestId;
    this.clock = clock;
    this.service = service;
    this.time = clock.now();
    this.startedAt = clock.monotonic();
  }

  answerWith({ status, body }: { readonly status: number; readonly body: string }): void {
    this.status = status;
    this.body = body;
  }

  get caller(): Caller {
    if (this.identified === undefined) throw new TypeError('the caller is not known yet');
    return this.identified;
  }
}
