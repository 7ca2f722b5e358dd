/** From an exchange to the fields of its audit record; the recorder makes the line of them. */
import type { AuditFields } from '../audit/record.js';
import { auditRecipient } from './audit-recipient.js';
import type { Exchange } from './exchange.js';

/** Longest user agent kept, characters: it is the client's to choose. */
const USER_AGENT_CHARS_MAX = 512;
/** The access key id of an Authorization header, for requests whose signature was refused. */
const CLAIMED = /\bCredential=([A-Za-z0-9]{1,128})\//;
const NO_ARNS: readonly string[] = Object.freeze([]);

export function auditFields(exchange: Exchange): AuditFields {
  const { request, operation, error, input } = exchange;
  const decoded = operation !== undefined && input !== undefined;
  const userAgent = request.header('user-agent');
  return {
    time: exchange.time,
    requestId: exchange.requestId,
    eventId: exchange.eventId,
    operation: operation === undefined ? '' : operation.name,
    caller: exchange.identified,
    claimedAccessKeyId: exchange.identified === undefined ? claimedKey(exchange) : undefined,
    sourceAddress: request.remoteAddress,
    userAgent:
      userAgent.length > USER_AGENT_CHARS_MAX
        ? userAgent.slice(0, USER_AGENT_CHARS_MAX)
        : userAgent,
    host: request.tls ? request.header('host') : '',
    tls: request.tls,
    error,
    readOnly: operation === undefined ? true : operation.audit.readOnly,
    request: decoded ? operation.audit.request(input) : null,
    response: decoded && error === undefined ? responseOf(exchange) : null,
    extra: decoded ? extraOf(exchange) : undefined,
    resources: resourcesOf(exchange, decoded),
  };
}

/** Of a request that succeeded: the fields of its records in other Regions. */
export function elsewhereFields(exchange: Exchange): readonly AuditFields[] {
  const { operation, error, input, output, keys, caller } = exchange;
  if (error !== undefined || operation?.audit.elsewhere === undefined) return [];
  const own = auditFields(exchange);
  return operation.audit
    .elsewhere(input, output, keys)
    .map(({ event, region, request, response, resources }) => ({
      ...own,
      operation: event,
      caller: { ...caller, region },
      request,
      response,
      resources,
    }));
}

function claimedKey({ request }: Exchange): string | undefined {
  return CLAIMED.exec(request.header('authorization'))?.[1];
}

function extraOf(exchange: Exchange): object | undefined {
  const { operation, input, output, error, keys, recipient } = exchange;
  const extra = operation?.audit.extra?.(input, error === undefined ? output : undefined, keys);
  if (recipient === undefined || error !== undefined) return extra;
  return { ...extra, recipient: auditRecipient(recipient) };
}

function responseOf(exchange: Exchange): object | null {
  const { operation, input, output, keys } = exchange;
  return operation?.audit.response?.(input, output, keys) ?? null;
}

function resourcesOf(exchange: Exchange, decoded: boolean): readonly string[] {
  const { operation, keys, identified } = exchange;
  const named =
    decoded && identified !== undefined
      ? operation?.audit.resources?.(exchange.input, {
          caller: identified,
          output: exchange.output,
        })
      : undefined;
  if (named !== undefined) return [...keys.map((key) => key.arn), ...named];
  if (keys.length === 1) return [keys[0]!.arn];
  return keys.length === 0 ? NO_ARNS : keys.map((key) => key.arn);
}

/** The fields when an operation's own audit functions failed: nothing of its input. */
export function bareAuditFields(exchange: Exchange): AuditFields {
  return {
    time: exchange.time,
    requestId: exchange.requestId,
    operation: exchange.operation?.name ?? '',
    caller: exchange.identified,
    sourceAddress: exchange.request.remoteAddress,
    userAgent: '',
    host: '',
    tls: exchange.request.tls,
    error: exchange.error,
    readOnly: exchange.operation?.audit.readOnly ?? true,
    request: null,
    response: null,
    extra: undefined,
    resources: NO_ARNS,
  };
}
