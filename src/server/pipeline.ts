/**
 * The way of a request, and the only place that knows its order: signature, target,
 * deserialization and validation, key lookup with authorization, throttling, the operation,
 * audit, reply.
 *
 * Every request that was handed over is audited, refused or not, and no reply leaves before its
 * record is accepted: where it cannot be written, the answer is KMSInternalException.
 */
import type { RecipientVerifier } from '../attestation/port.js';
import type { AuditSink } from '../audit/port.js';
import type { AuditFields, AuditRecorder } from '../audit/record.js';
import type { Authenticator, Caller } from '../auth/port.js';
import type { BlobInput } from '../core/blob.js';
import type { Clock } from '../core/clock.js';
import { isKmsError, KmsError } from '../core/errors.js';
import { settled } from '../core/later.js';
import { REQUESTS_IN_FLIGHT_MAX } from '../core/limits.js';
import { randomId } from '../core/random-ids.js';
import type { Key } from '../keys/key.js';
import { TRACKED_OPERATIONS } from '../keys/last-usage.js';
import type { KeyService } from '../keys/service.js';
import type { KeyReference, Operation } from '../operations/port.js';
import { encodeOutput, operationOf, targetOf } from '../protocol/codec.js';
import { errorToWire } from '../protocol/error-wire.js';
import { compileInput } from '../protocol/input.js';
import { shapeOf } from '../protocol/schema.js';
import type { Throttle } from '../throttle/port.js';
import { auditFields, bareAuditFields, elsewhereFields } from './audit-fields.js';
import { Exchange } from './exchange.js';
import type { HttpRequest } from './transport.js';

/** Failures told in the log per second. */
const FAILURES_PER_SECOND_MAX = 20;

/** Counts of requests; see metrics.ts. */
export interface RequestMetrics {
  /** `operation` and `region` are '' when unknown, `code` 'OK' or the error's name. */
  request(operation: string, code: string, seconds: number, region: string): void;
}

/** Where failures that clients must not see are told. */
export interface FailureLog {
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface PipelineParts {
  readonly authenticator: Authenticator;
  readonly recipients: RecipientVerifier;
  readonly throttle: Throttle;
  readonly operations: readonly Operation[];
  /** Names that AWS KMS has and we do not: UnsupportedOperationException. */
  readonly unsupported: readonly string[];
  readonly service: KeyService;
  readonly audit: AuditSink;
  readonly recorder: AuditRecorder;
  readonly clock: Clock;
  readonly metrics: RequestMetrics;
  readonly log: FailureLog;
  readonly inFlightMax?: number;
}

export interface Pipeline {
  /** Answers the request; never throws. */
  readonly onRequest: (request: HttpRequest) => void;
  /** Requests between hand-over and reply. */
  inFlight(): number;
}

interface Recipient {
  readonly AttestationDocument?: BlobInput;
}

/** Members by which some operations are told more of a caller; `access` has checked them. */
interface ProvingInput {
  readonly Recipient?: Recipient;
  readonly GrantTokens?: readonly string[];
}

interface Route {
  readonly target: string;
  readonly operation: Operation;
  readonly takesGrantTokens: boolean;
  /** Its success is a use of its keys. */
  readonly isUse: boolean;
  readonly read: (body: Uint8Array) => unknown;
}

/** Compiles the operations' schemas and returns the way of a request. */
export function createPipeline(parts: PipelineParts): Pipeline {
  const run = new RequestPipeline(parts);
  return {
    onRequest: (request) => run.accept(request),
    inFlight: () => run.inFlight,
  };
}

/** Operations by the value of X-Amz-Target. */
class RouteTable {
  /** By length: few names share one, and comparing costs less than hashing a new string. */
  readonly #byLength: Route[][] = [];

  constructor(operations: readonly Operation[]) {
    for (const operation of operations) {
      const target = targetOf(operation.name);
      const shape = shapeOf(operation.input);
      const takesGrantTokens = shape.type === 'structure' && 'GrantTokens' in shape.members;
      const read = compileInput(operation.input);
      const isUse = TRACKED_OPERATIONS.has(operation.name);
      const route = { target, operation, takesGrantTokens, isUse, read };
      this.#byLength[target.length] ??= [];
      this.#byLength[target.length]!.push(route);
    }
  }

  find(target: string): Route | undefined {
    const routes = this.#byLength[target.length];
    if (routes === undefined) return undefined;
    for (const route of routes) if (route.target === target) return route;
    return undefined;
  }
}

class RequestPipeline {
  inFlight = 0;
  readonly #parts: PipelineParts;
  readonly #inFlightMax: number;
  readonly #routes: RouteTable;
  readonly #unsupported: ReadonlySet<string>;
  #logSecond = -1;
  #logLines = 0;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#inFlightMax = parts.inFlightMax ?? REQUESTS_IN_FLIGHT_MAX;
    this.#unsupported = new Set(parts.unsupported);
    this.#routes = new RouteTable(parts.operations);
  }

  accept(request: HttpRequest): void {
    if (this.inFlight >= this.#inFlightMax) {
      // Not audited: waiting for the audit is what the requests before this one may be doing.
      this.#parts.metrics.request('', 'ServiceUnavailable', 0, '');
      const wire = errorToWire(new KmsError('ServiceUnavailable'));
      request.reply({ ...wire, requestId: randomId() });
      return;
    }
    this.inFlight++;
    const { clock, service } = this.#parts;
    this.#authenticate(new Exchange(request, randomId(), clock, service));
  }

  // The steps of a request. Each ends with the call of the next one, at once where its outcome is
  // at hand; none throws and each request comes to #reply exactly once.

  #authenticate(exchange: Exchange): void {
    const { request } = exchange;
    const caller = this.#parts.authenticator.authenticate(request, request.body);
    settled(caller, exchange, this.#understand, this.#refuse);
  }

  readonly #understand = (caller: Caller, exchange: Exchange): void => {
    exchange.identified = caller;
    let keys: readonly Key[] | Promise<readonly Key[]>;
    try {
      const route = this.#route(exchange.request);
      const { operation } = route;
      exchange.operation = operation;
      exchange.isUse = route.isUse;
      const input = route.read(exchange.request.body);
      exchange.input = input;
      const references = operation.access(input, caller.region);
      const proven = this.#prove(exchange, route, input as ProvingInput);
      keys =
        proven === undefined
          ? this.#keys(exchange, references)
          : proven.then(() => this.#keys(exchange, references));
    } catch (error) {
      this.#refuse(error, exchange);
      return;
    }
    if (keys instanceof Promise) settled(keys, exchange, this.#run, this.#refuse);
    else this.#run(keys, exchange);
  };

  /**
   * Verifies what a request brings along: it has to be known where it is decided who may use a key.
   * Undefined when it brings nothing, as most do.
   */
  #prove(exchange: Exchange, route: Route, input: ProvingInput): Promise<void> | undefined {
    const tokens = route.takesGrantTokens ? input.GrantTokens : undefined;
    const recipient = route.operation.attested === true ? input.Recipient : undefined;
    if (recipient === undefined && (tokens === undefined || tokens.length === 0)) return undefined;
    return this.#verify(exchange, tokens ?? [], recipient);
  }

  async #verify(
    exchange: Exchange,
    tokens: readonly string[],
    recipient: Recipient | undefined,
  ): Promise<void> {
    const { service, recipients } = this.#parts;
    if (tokens.length > 0) exchange.grants = await service.readGrantTokens(exchange.caller, tokens);
    if (recipient === undefined) return;
    exchange.recipient = await recipients.verify(recipient.AttestationDocument!.toBuffer());
  }

  readonly #run = (keys: readonly Key[], exchange: Exchange): void => {
    const operation = exchange.operation!;
    const { input } = exchange;
    exchange.keys = keys;
    let running: Promise<unknown>;
    try {
      this.#draw(exchange, operation, input);
      running = operation.run(exchange, input);
    } catch (error) {
      this.#refuse(error, exchange);
      return;
    }
    settled(running, exchange, this.#answer, this.#refuse);
  };

  readonly #answer = (output: unknown, exchange: Exchange): void => {
    try {
      exchange.output = output;
      exchange.body = encodeOutput(output);
    } catch (error) {
      this.#refuse(error, exchange);
      return;
    }
    this.#audit(exchange);
  };

  readonly #refuse = (error: unknown, exchange: Exchange): void => {
    exchange.answerWith(errorToWire(this.#refusal(exchange, error)));
    this.#audit(exchange);
  };

  #audit(exchange: Exchange): void {
    let accepted: Promise<void>;
    if (exchange.isUse && exchange.error === undefined) exchange.eventId = randomId();
    try {
      accepted = this.#parts.audit.append(this.#record(exchange));
      if (exchange.operation?.audit.elsewhere !== undefined) {
        accepted = this.#auditElsewhere(exchange, accepted);
      }
    } catch (error) {
      this.#unrecorded(error, exchange);
      return;
    }
    settled(accepted, exchange, this.#recorded, this.#unrecorded);
  }

  async #auditElsewhere(exchange: Exchange, accepted: Promise<void>): Promise<void> {
    const lines = elsewhereFields(exchange).map((fields) => this.#parts.recorder.build(fields));
    await Promise.all([accepted, ...lines.map((line) => this.#parts.audit.append(line))]);
  }

  readonly #recorded = (_accepted: unknown, exchange: Exchange): void => {
    const { keys, eventId, operation, time, requestId } = exchange;
    if (eventId !== undefined) {
      for (let i = 0; i < keys.length; i++) {
        this.#parts.service.noteUse(keys[i]!, operation!.name, time, requestId, eventId);
      }
    }
    this.#reply(exchange);
  };

  /** Nothing may be released that was not recorded: not even why a request was refused. */
  readonly #unrecorded = (error: unknown, exchange: Exchange): void => {
    const failure = new KmsError('KMSInternalException', undefined, error);
    exchange.error = failure;
    this.#logFailure(exchange, error, 'audit record refused');
    exchange.answerWith(errorToWire(failure));
    this.#reply(exchange);
  };

  #reply(exchange: Exchange): void {
    const { request, requestId, status, body } = exchange;
    this.inFlight--;
    try {
      this.#count(exchange);
      request.reply({ status, requestId, body });
    } catch (error) {
      // The requests that share its group of records must get their replies.
      this.#logFailure(exchange, error, 'reply failed');
    }
  }

  /** The protocol is POST / and nothing else, however well another request is signed. */
  #route(request: HttpRequest): Route {
    if (request.method !== 'POST' || request.path !== '/') {
      throw new KmsError('UnknownOperationException');
    }
    const target = request.header('x-amz-target');
    const route = this.#routes.find(target);
    if (route !== undefined) return route;
    const name = operationOf(target);
    throw new KmsError(
      this.#unsupported.has(name) ? 'UnsupportedOperationException' : 'UnknownOperationException',
    );
  }

  /** Synchronous while every key is cached: no promise on the hot path. */
  #keys(
    exchange: Exchange,
    references: readonly KeyReference[],
  ): readonly Key[] | Promise<readonly Key[]> {
    if (references.length === 0) return exchange.keys;
    const found: Key[] = [];
    for (let i = 0; i < references.length; i++) {
      const key = this.#parts.service.resolve(exchange.caller, references[i]!);
      if (key instanceof Promise) return this.#restOfKeys(exchange, references, i, found, key);
      found.push(key);
    }
    return found;
  }

  async #restOfKeys(
    exchange: Exchange,
    references: readonly KeyReference[],
    from: number,
    found: Key[],
    pending: Promise<Key>,
  ): Promise<readonly Key[]> {
    found.push(await pending);
    for (const reference of references.slice(from + 1)) {
      found.push(await this.#parts.service.resolve(exchange.caller, reference));
    }
    return found;
  }

  #draw(exchange: Exchange, operation: Operation, input: unknown): void {
    const { throttle } = this.#parts;
    const { caller, keys } = exchange;
    const draws = operation.quota(input, keys);
    if (!throttle.take(caller.account, caller.region, draws)) {
      throw new KmsError('ThrottlingException');
    }
    if (operation.changesKeyState !== true) return;
    for (const key of keys) {
      if (!throttle.takeStateChange(key.arn)) throw new KmsError('ThrottlingException');
    }
  }

  #refusal(exchange: Exchange, error: unknown): KmsError {
    const refusal = isKmsError(error)
      ? error
      : isOverload(error)
        ? new KmsError('ThrottlingException')
        : new KmsError('KMSInternalException', undefined, error);
    if (refusal.code === 'KMSInternalException') {
      this.#logFailure(exchange, refusal.cause ?? refusal, 'request failed');
    }
    exchange.error = refusal;
    exchange.output = undefined;
    return refusal;
  }

  #record(exchange: Exchange): string {
    let fields: AuditFields;
    try {
      fields = auditFields(exchange);
    } catch (error) {
      this.#logFailure(exchange, error, 'audit fields of an operation failed');
      fields = bareAuditFields(exchange);
    }
    return this.#parts.recorder.build(fields);
  }

  /** Failures come in floods (a full disk): past the bound of a second they are only counted. */
  #mayLog(): boolean {
    const second = Math.floor(this.#parts.clock.monotonic() / 1000);
    if (second !== this.#logSecond) {
      const dropped = this.#logLines - FAILURES_PER_SECOND_MAX;
      if (dropped > 0) this.#parts.log.error({ dropped }, 'further failures were not logged');
      this.#logSecond = second;
      this.#logLines = 0;
    }
    return ++this.#logLines <= FAILURES_PER_SECOND_MAX;
  }

  #count(exchange: Exchange): void {
    const seconds = (this.#parts.clock.monotonic() - exchange.startedAt) / 1000;
    const code = exchange.error === undefined ? 'OK' : exchange.error.code;
    const region = exchange.identified === undefined ? '' : exchange.identified.region;
    this.#parts.metrics.request(exchange.operation?.name ?? '', code, seconds, region);
  }

  /** The message of a foreign error is left out: it may quote what it failed on. */
  #logFailure(exchange: Exchange, error: unknown, message: string): void {
    if (!this.#mayLog()) return;
    const failure = error instanceof Error ? error : new Error('not an Error');
    const frames = failure.stack?.split('\n').filter((line) => line.startsWith('    at '));
    const fields = {
      requestId: exchange.requestId,
      operation: exchange.operation?.name,
      error: failure.name,
      code: (failure as { code?: unknown }).code,
      stack: frames?.slice(0, 8),
    };
    this.#parts.log.error(fields, message);
  }
}

/** An engine queue that is full; the engine's error class is not ours to import. */
function isOverload(error: unknown): boolean {
  return (error as { status?: unknown } | null | undefined)?.status === 'OVERLOADED';
}
