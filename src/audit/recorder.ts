/**
 * Audit records in the shape of CloudTrail's, one line of JSON in ASCII each.
 *
 * Source: AWS CloudTrail User Guide, "CloudTrail record contents" and "userIdentity element"; AWS
 * KMS Developer Guide, log entries. Members and deviations: docs/audit.md.
 *
 * One record is made per request, so the line is put together from text: what a principal
 * contributes is made once and kept, the time once per second, the user agent while it repeats.
 */
import { randomUUID } from 'node:crypto';
import type { KmsError } from '../core/errors.js';
import { jsonString, jsonText } from './json-text.js';
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
/** Ours: user agents kept, by length; a power of two. */
const USER_AGENTS_KEPT = 64;

const HEAD = `{"eventVersion":"${EVENT_VERSION}","userIdentity":`;
const SOURCE = `","eventSource":"${EVENT_SOURCE}","eventName":`;
const FINISH = '"eventType":"AwsApiCall","managementEvent":true,';
const CATEGORY = '"eventCategory":"Management"';

/** Error names that CloudTrail writes otherwise than the wire. */
const ERROR_CODES: ReadonlyMap<string, string> = new Map([
  ['AccessDeniedException', 'AccessDenied'],
]);

/** What a principal contributes to each of its records. */
interface PrincipalText {
  readonly principal: AuditPrincipal;
  /** From the start of the record up to the time. */
  readonly head: string;
  readonly region: string;
  /** `"recipientAccountId":"...",` */
  readonly recipient: string;
}

export function createAuditRecorder(
  options: AuditRecorderOptions = {},
): AuditRecorder & ServiceEventRecorder {
  return new CloudTrailRecorder(options);
}

class CloudTrailRecorder implements AuditRecorder, ServiceEventRecorder {
  readonly #newId: () => string;
  readonly #home: AuditRecorderOptions['home'];
  readonly #principals = new Map<string, PrincipalText>();
  #last: PrincipalText | undefined;
  readonly #resources = new Map<string, string>();
  readonly #agents: string[] = new Array<string>(USER_AGENTS_KEPT).fill('');
  readonly #agentTexts: string[] = new Array<string>(USER_AGENTS_KEPT).fill('""');
  #second = Number.NaN;
  #secondText = '';

  constructor({ newId, home }: AuditRecorderOptions) {
    this.#newId = newId ?? randomUUID;
    this.#home = home;
  }

  build(fields: AuditFields): string {
    const { caller, error, tls } = fields;
    const who = caller === undefined ? this.#unknown(fields) : this.#textOf(caller);
    const failure = error === undefined ? '' : failureText(error);
    const extra =
      fields.extra === undefined
        ? ''
        : `"additionalEventData":${boundedText(fields.extra, EXTRA_CHARS_MAX)},`;
    return (
      who.head +
      this.#timeText(fields.time) +
      SOURCE +
      jsonString(fields.operation) +
      who.region +
      jsonString(fields.sourceAddress) +
      ',"userAgent":' +
      this.#agentText(fields.userAgent) +
      failure +
      ',"requestParameters":' +
      boundedText(fields.request, OBJECT_CHARS_MAX) +
      ',"responseElements":' +
      boundedText(fields.response, OBJECT_CHARS_MAX) +
      ',' +
      extra +
      '"requestID":' +
      jsonString(fields.requestId) +
      ',"eventID":' +
      jsonString(this.#newId()) +
      (fields.readOnly ? ',"readOnly":true,"resources":[' : ',"readOnly":false,"resources":[') +
      this.#resourcesText(fields.resources) +
      FINISH +
      who.recipient +
      CATEGORY +
      (tls ? `,"tlsDetails":{"clientProvidedHostHeader":${jsonString(fields.host)}}}` : '}')
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
    const known = this.#principals.get(caller.accessKeyId);
    const text =
      known !== undefined && samePrincipal(known.principal, caller) ? known : this.#keep(caller);
    this.#last = text;
    return text;
  }

  #keep(caller: AuditPrincipal): PrincipalText {
    if (this.#principals.size >= PRINCIPALS_MAX) this.#principals.clear();
    const text = principalText(caller);
    this.#principals.set(caller.accessKeyId, text);
    return text;
  }

  /** Cold: nothing is kept for those who are not known. */
  #unknown(fields: AuditFields): Omit<PrincipalText, 'principal'> {
    const { claimedAccessKeyId } = fields;
    const home = this.#home;
    const identity = { type: 'Unknown', accessKeyId: claimedAccessKeyId };
    return {
      head: `${HEAD}${jsonText(identity)},"eventTime":"`,
      region: regionText(home?.region),
      recipient: home === undefined ? '' : recipientText(home.account),
    };
  }

  /** The entries, with the end of the array. */
  #resourcesText(arns: readonly string[]): string {
    if (arns.length === 0) return '],';
    let text = this.#resourceText(arns[0]!);
    for (let i = 1; i < arns.length; i++) text += `,${this.#resourceText(arns[i]!)}`;
    return `${text}],`;
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

  /** Clients of one kind send the same text: comparing is cheaper than looking for specials. */
  #agentText(userAgent: string): string {
    const place = userAgent.length & (USER_AGENTS_KEPT - 1);
    if (this.#agents[place] !== userAgent) {
      this.#agents[place] = userAgent;
      this.#agentTexts[place] = jsonString(userAgent);
    }
    return this.#agentTexts[place]!;
  }
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
    recipient: recipientText(principal.account),
  };
}

function regionText(region: string | undefined): string {
  return region === undefined
    ? ',"sourceIPAddress":'
    : `,"awsRegion":${jsonString(region)},"sourceIPAddress":`;
}

function recipientText(account: string): string {
  return `"recipientAccountId":${jsonString(account)},`;
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

/** An object beyond CloudTrail's bound is left out, and said to be. */
function boundedText(value: object | null, charsMax: number): string {
  if (value === null) return 'null';
  const text = jsonText(value);
  return text.length <= charsMax ? text : `{"omitted":true,"originalSize":${text.length}}`;
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
