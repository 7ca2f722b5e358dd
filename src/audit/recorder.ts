/**
 * Audit records in the shape of CloudTrail's, one line of JSON in ASCII each.
 *
 * Source: AWS CloudTrail User Guide, "CloudTrail record contents" and "userIdentity element"; AWS
 * KMS Developer Guide, log entries. Members and deviations: docs/audit.md.
 *
 * One record is made per request, so the line is put together from text: what a principal
 * contributes is made once and kept, and so is the beginning of a record while requests repeat it.
 */
import type { KmsError } from '../core/errors.js';
import { randomId } from '../core/random-ids.js';
import { jsonString, jsonText } from './json-text.js';
import { boundedText, flat, ObjectTexts } from './object-texts.js';
import type {
  AuditFields,
  AuditPrincipal,
  AuditRecorder,
  ServiceEventFields,
  ServiceEventRecorder,
} from './record.js';

export interface AuditRecorderOptions {
  /** Makes event ids; by default random UUIDs. */
  readonly newId?: () => string;
  /** Where this service runs: named in records of requests whose signature was refused. */
  readonly home?: { readonly account: string; readonly region: string } | undefined;
}

const EVENT_VERSION = '1.11';
const EVENT_SOURCE = 'kms.amazonaws.com';
const INTERNAL = 'AWS Internal';
/** CloudTrail's bounds of members, here in characters. */
const ERROR_MESSAGE_CHARS_MAX = 1_024;
const OBJECT_CHARS_MAX = 102_400;
const EXTRA_CHARS_MAX = 28_672;
/** Ours: principals whose fragments are kept. */
const PRINCIPALS_MAX = 4_096;
/** Ours: resources whose text is kept. */
const RESOURCES_MAX = 4_096;
/** Ours: beginnings of records kept; a power of two. */
const FRONTS_KEPT = 64;
/** Ours: ends of records kept; a power of two. */
const BACKS_KEPT = 1_024;

const HEAD = `{"eventVersion":"${EVENT_VERSION}","userIdentity":`;
const SOURCE = `","eventSource":"${EVENT_SOURCE}","eventName":`;
const PARAMETERS = ',"requestParameters":';
const RESPONSE = ',"responseElements":';
const REQUEST_ID = ',"requestID":"';
const NO_REQUEST = `${PARAMETERS}null`;
const NO_RESPONSE = `${RESPONSE}null${REQUEST_ID}`;
const EXTRA = ',"additionalEventData":';
const EVENT_ID = '","eventID":"';
const READ_ONLY = '","readOnly":true,"resources":[';
const NOT_READ_ONLY = '","readOnly":false,"resources":[';
const FINISH = '],"eventType":"AwsApiCall","managementEvent":true,';
const CATEGORY = '"eventCategory":"Management"';

/** Error names that CloudTrail writes otherwise than the wire. */
const ERROR_CODES: ReadonlyMap<string, string> = new Map([
  ['AccessDeniedException', 'AccessDenied'],
]);

/** What a principal contributes to each of its records. */
interface PrincipalText {
  readonly principal: AuditPrincipal | undefined;
  /** From the start of the record up to the time. */
  readonly head: string;
  readonly region: string;
  /** From the end of the resources up to the details of TLS. */
  readonly finish: string;
}

/** The beginning of records that have all this in common. */
interface Front {
  readonly who: PrincipalText;
  readonly time: string;
  readonly operation: string;
  readonly sourceAddress: string;
  readonly userAgent: string;
  readonly text: string;
}

/** The end of records that have all this in common. */
interface Back {
  readonly who: PrincipalText;
  readonly arn: string;
  readonly readOnly: boolean;
  text: string;
  /** Asked for again, so that its text was made one piece. */
  again: boolean;
}

export function createAuditRecorder(
  options: AuditRecorderOptions = {},
): AuditRecorder & ServiceEventRecorder {
  return new CloudTrailRecorder(options);
}

class CloudTrailRecorder implements AuditRecorder, ServiceEventRecorder {
  readonly #newId: () => string;
  /** The same inside a JSON string: ids of our own making need no look at their characters. */
  readonly #newIdText: () => string;
  readonly #home: AuditRecorderOptions['home'];
  readonly #principals = new Map<string, PrincipalText>();
  #last: PrincipalText | undefined;
  readonly #resources = new Map<string, string>();
  readonly #fronts: (Front | undefined)[] = new Array<Front | undefined>(FRONTS_KEPT).fill(
    undefined,
  );
  readonly #backs = new Array<Back | undefined>(BACKS_KEPT).fill(undefined);
  readonly #requests = new ObjectTexts(PARAMETERS, '', OBJECT_CHARS_MAX);
  readonly #extras = new ObjectTexts(`${RESPONSE}null${EXTRA}`, REQUEST_ID, EXTRA_CHARS_MAX);
  #second = Number.NaN;
  #secondText = '';

  constructor({ newId, home }: AuditRecorderOptions) {
    this.#newId = newId ?? randomId;
    this.#newIdText = newId === undefined ? randomId : () => innerText(newId());
    this.#home = home;
  }

  build(fields: AuditFields): string {
    const { caller, error } = fields;
    const who = caller === undefined ? this.#unknown(fields) : this.#textOf(caller);
    const front = this.#frontText(who, fields);
    const { request } = fields;
    // Every `+` makes an object: what always stands side by side is one piece.
    return (
      (error === undefined ? front : front + failureText(error)) +
      (request === null ? NO_REQUEST : this.#requests.textOf(request)) +
      this.#responseText(fields) +
      fields.requestId +
      EVENT_ID +
      (fields.eventId ?? this.#newIdText()) +
      this.#backText(who, fields)
    );
  }

  buildServiceEvent(fields: ServiceEventFields): string {
    const { account, region, keyArn } = fields;
    return jsonText({
      eventVersion: EVENT_VERSION,
      userIdentity: { accountId: account, invokedBy: INTERNAL },
      eventTime: this.#timeText(fields.time),
      eventSource: EVENT_SOURCE,
      eventName: fields.event,
      awsRegion: region,
      sourceIPAddress: INTERNAL,
      userAgent: INTERNAL,
      requestParameters: null,
      responseElements: fields.event === 'DeleteKey' ? { keyId: keyArn } : null,
      eventID: this.#newId(),
      readOnly: false,
      resources: [{ accountId: account, type: 'AWS::KMS::Key', ARN: keyArn }],
      eventType: 'AwsServiceEvent',
      managementEvent: true,
      recipientAccountId: account,
      ...(fields.details === undefined ? {} : { serviceEventDetails: fields.details }),
      eventCategory: 'Management',
    });
  }

  /** The same object is passed for request after request while its credentials are cached. */
  #textOf(caller: AuditPrincipal): PrincipalText {
    const last = this.#last;
    if (last !== undefined && last.principal === caller) return last;
    const known = this.#principals.get(nameOf(caller));
    const text =
      known?.principal !== undefined && samePrincipal(known.principal, caller)
        ? known
        : this.#keep(caller);
    this.#last = text;
    return text;
  }

  #keep(caller: AuditPrincipal): PrincipalText {
    if (this.#principals.size >= PRINCIPALS_MAX) this.#principals.clear();
    const text = principalText(caller);
    this.#principals.set(nameOf(caller), text);
    return text;
  }

  /** Cold: nothing is kept for those who are not known. */
  #unknown(fields: AuditFields): PrincipalText {
    const { claimedAccessKeyId } = fields;
    const home = this.#home;
    const identity = { type: 'Unknown', accessKeyId: claimedAccessKeyId };
    return {
      principal: undefined,
      head: `${HEAD}${jsonText(identity)},"eventTime":"`,
      region: regionText(home?.region),
      finish: finishText(home?.account),
    };
  }

  /** Response and additional event data, up to the request id. */
  #responseText({ response, extra }: AuditFields): string {
    if (response === null) return extra === undefined ? NO_RESPONSE : this.#extras.textOf(extra);
    const text = RESPONSE + boundedText(response, OBJECT_CHARS_MAX);
    if (extra === undefined) return text + REQUEST_ID;
    return text + EXTRA + boundedText(extra, EXTRA_CHARS_MAX) + REQUEST_ID;
  }

  /** From the end of the event id on: most requests are of one key, and keys come again. */
  #backText(who: PrincipalText, fields: AuditFields): string {
    const { resources, readOnly } = fields;
    const arn = resources[0];
    if (fields.tls || resources.length !== 1 || arn === undefined || arn.length < 3) {
      return this.#makeBack(who, fields);
    }
    const { length } = arn;
    const place =
      (arn.charCodeAt(length - 1) +
        31 * arn.charCodeAt(length - 2) +
        961 * arn.charCodeAt(length - 3)) &
      (BACKS_KEPT - 1);
    const kept = this.#backs[place];
    if (kept?.arn !== arn || kept.who !== who || kept.readOnly !== readOnly) {
      const text = this.#makeBack(who, fields);
      this.#backs[place] = { who, arn, readOnly, text, again: false };
      return text;
    }
    if (!kept.again) {
      kept.again = true;
      kept.text = flat(kept.text);
    }
    return kept.text;
  }

  #makeBack(who: PrincipalText, { readOnly, resources, tls, host }: AuditFields): string {
    return (
      (readOnly ? READ_ONLY : NOT_READ_ONLY) +
      this.#resourcesText(resources) +
      who.finish +
      (tls ? `,"tlsDetails":{"clientProvidedHostHeader":${jsonString(host)}}}` : '}')
    );
  }

  #resourcesText(arns: readonly string[]): string {
    if (arns.length === 0) return '';
    let text = this.#resourceText(arns[0]!);
    for (let i = 1; i < arns.length; i++) text += `,${this.#resourceText(arns[i]!)}`;
    return text;
  }

  #resourceText(arn: string): string {
    let text = this.#resources.get(arn);
    if (text === undefined) {
      if (this.#resources.size >= RESOURCES_MAX) this.#resources.clear();
      text = resourceText(arn);
      this.#resources.set(arn, text);
    }
    return text;
  }

  #timeText(time: number): string {
    const second = Math.floor(time / 1000);
    if (second !== this.#second) {
      this.#secondText = `${new Date(second * 1000).toISOString().slice(0, 19)}Z`;
      this.#second = second;
    }
    return this.#secondText;
  }

  /** From the start up to the user agent: clients send request after request of one kind. */
  #frontText(who: PrincipalText, fields: AuditFields): string {
    const { operation, sourceAddress, userAgent } = fields;
    const time = this.#timeText(fields.time);
    const place = (operation.length + 7 * userAgent.length) & (FRONTS_KEPT - 1);
    const kept = this.#fronts[place];
    if (
      kept !== undefined &&
      kept.who === who &&
      kept.time === time &&
      kept.operation === operation &&
      kept.sourceAddress === sourceAddress &&
      kept.userAgent === userAgent
    ) {
      return kept.text;
    }
    const text = flat(
      `${who.head}${time}${SOURCE}${jsonString(operation)}${who.region}${jsonString(sourceAddress)},"userAgent":${jsonString(userAgent)}`,
    );
    this.#fronts[place] = { who, time, operation, sourceAddress, userAgent, text };
    return text;
  }
}

/** The inside of a JSON string. */
function innerText(text: string): string {
  return jsonString(text).slice(1, -1);
}

/** One access key may be used in several Regions, turn by turn. */
function nameOf({ accessKeyId, region }: AuditPrincipal): string {
  return `${accessKeyId}/${region}`;
}

function samePrincipal(a: AuditPrincipal, b: AuditPrincipal): boolean {
  return (
    a.arn === b.arn &&
    a.region === b.region &&
    a.account === b.account &&
    a.kind === b.kind &&
    a.name === b.name
  );
}

function principalText(principal: AuditPrincipal): PrincipalText {
  return {
    principal,
    head: `${HEAD}${jsonText(userIdentity(principal))},"eventTime":"`,
    region: regionText(principal.region),
    finish: finishText(principal.account),
  };
}

function regionText(region: string | undefined): string {
  return region === undefined
    ? ',"sourceIPAddress":'
    : `,"awsRegion":${jsonString(region)},"sourceIPAddress":`;
}

function finishText(account: string | undefined): string {
  const recipient = account === undefined ? '' : `"recipientAccountId":${jsonString(account)},`;
  return flat(FINISH + recipient + CATEGORY);
}

/** A resource entry; its account is the one in the ARN, which need not be the caller's. */
function resourceText(arn: string): string {
  const account = jsonString(accountOf(arn));
  return `{"accountId":${account},"type":"AWS::KMS::Key","ARN":${jsonString(arn)}}`;
}

/** Principals have no unique ids of AWS's kind here; only an account's root is its own. */
function userIdentity({ account, arn, kind, name, accessKeyId }: AuditPrincipal): object {
  switch (kind) {
    case 'root':
      return { type: 'Root', principalId: account, arn, accountId: account, accessKeyId };
    case 'user':
      return { type: 'IAMUser', arn, accountId: account, accessKeyId, userName: name };
    case 'service':
      return { type: 'AWSService', arn, accountId: account, accessKeyId, invokedBy: name };
    case 'role':
      return {
        type: 'AssumedRole',
        arn,
        accountId: account,
        accessKeyId,
        sessionContext: {
          sessionIssuer: { type: 'Role', arn: roleArn(arn), accountId: account, userName: name },
        },
      };
  }
}

const ASSUMED_ROLE = /^arn:([^:]*):sts::([^:]*):assumed-role\/(.+)\/[^/]+$/;

/** The role of a session; other ARNs are returned as they are. */
function roleArn(arn: string): string {
  const match = ASSUMED_ROLE.exec(arn);
  return match === null ? arn : `arn:${match[1]}:iam::${match[2]}:role/${match[3]}`;
}

function failureText(error: KmsError): string {
  const code = jsonString(ERROR_CODES.get(error.code) ?? error.code);
  const { message } = error;
  if (message === '') return `,"errorCode":${code}`;
  const kept =
    message.length > ERROR_MESSAGE_CHARS_MAX ? message.slice(0, ERROR_MESSAGE_CHARS_MAX) : message;
  return `,"errorCode":${code},"errorMessage":${jsonString(kept)}`;
}

/** The fifth field of an ARN; '' when there is none. */
function accountOf(arn: string): string {
  let at = 0;
  for (let colons = 0; colons < 4; colons++) {
    at = arn.indexOf(':', at) + 1;
    if (at === 0) return '';
  }
  const end = arn.indexOf(':', at);
  return end === -1 ? '' : arn.slice(at, end);
}
