/** An authenticator over a real engine with two access keys, and heads of requests to try on it. */
import { createHash } from 'node:crypto';
import type { AccessKeyEntry, Authenticator, Caller, RequestHead } from '../../src/auth/port.js';
import { createSigV4Authenticator } from '../../src/auth/sigv4-authenticator.js';
import { ManualClock } from '../../src/core/clock.js';
import { isKmsError } from '../../src/core/errors.js';
import type { KeyHandle } from '../../src/core/key-handle.js';
import { openEngine, type TestEngine } from '../engine/support.js';
import { type RawOptions, signedHeaders } from '../raw-client.js';

export const NOW = Date.UTC(2026, 10, 24, 18, 30, 0);
export const NOW_TEXT = '20261124T183000Z';
export const REGION = 'eu-central-1';
export const HOST = 'kms.example.test:8443';
export const TARGET = 'TrentService.Encrypt';
export const BODY = '{"KeyId":"alias/a","Plaintext":"aGVsbG8="}';
export const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
export const TOKEN = 'FwoGZXIvYXdzEXAMPLE/token+of==';

export const LONG_TERM = 'AKIDEXAMPLE';
export const TEMPORARY = 'ASIATEMPORARY';
export const INACTIVE = 'AKIAINACTIVE';
export const EXPIRED = 'ASIAEXPIRED';

/** A head as a transport makes it: names in lower case, several lines of a name kept apart. */
export class Head implements RequestHead {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly lines: { readonly names: string[]; readonly values: string[] };

  constructor(lines: readonly (readonly [string, string])[], target = 'POST /') {
    const [method = '', rest = ''] = target.split(/ (.*)/s);
    const mark = rest.indexOf('?');
    this.method = method;
    this.path = mark === -1 ? rest : rest.slice(0, mark);
    this.query = mark === -1 ? '' : rest.slice(mark + 1);
    this.lines = {
      names: lines.map(([name]) => name),
      values: lines.map(([, value]) => value),
    };
  }

  header(name: string): string {
    return this.lines.values.filter((_, i) => this.lines.names[i] === name).join(',');
  }
}

export type Lines = [string, string][];

/** Header lines of a signed POST / of BODY; undefined headers are left out before signing. */
export function signedLines(
  headers: Readonly<Record<string, string>> = {},
  options: { accessKeyId?: string; secret?: string; body?: string; at?: number } = {},
): Lines {
  const raw: RawOptions = {
    credentials: {
      accessKeyId: options.accessKeyId ?? LONG_TERM,
      secretAccessKey: options.secret ?? SECRET,
    },
    region: REGION,
    headers,
  };
  const at = new Date(options.at ?? NOW);
  return Object.entries(signedHeaders(HOST, TARGET, options.body ?? BODY, raw, at));
}

/** `lines` with the value of `name` replaced where it stands; undefined removes the line. */
export function withLine(lines: Lines, name: string, value: string | undefined): Lines {
  if (value === undefined) return lines.filter(([n]) => n !== name);
  if (!lines.some(([n]) => n === name)) return [...lines, [name, value]];
  return lines.map(([n, before]) => [n, n === name ? value : before]);
}

export interface Rig {
  readonly authenticator: Authenticator;
  readonly clock: ManualClock;
  readonly test: TestEngine;
  readonly secret: KeyHandle;
  readonly entries: Map<string, AccessKeyEntry>;
  /** How often an access key was looked up, and a signature checked. */
  readonly counts: { finds: number; checks: number };
  call(lines: Lines, body?: string, target?: string): Promise<Caller>;
  /** `code: message` of the refusal. @throws when the request is accepted */
  refusal(lines: Lines, body?: string, target?: string): Promise<string>;
  close(): Promise<void>;
}

export interface RigOptions {
  readonly backend: 'native' | 'node' | 'noble';
  readonly service?: string;
  readonly regions?: readonly string[];
  readonly now?: number;
  readonly async?: boolean;
}

export async function openRig(options: RigOptions): Promise<Rig> {
  const test = await openEngine({ backend: options.backend, dispatch: 'inline', threads: 1 });
  const secret = await loadSecret(test, SECRET);
  const clock = new ManualClock(options.now ?? NOW);
  const entries = new Map<string, AccessKeyEntry>();
  const add = (accessKeyId: string, more: Partial<AccessKeyEntry> = {}): void => {
    entries.set(accessKeyId, { ...entryOf(accessKeyId, secret), ...more });
  };
  const sessionTokenSha256 = createHash('sha256').update(TOKEN).digest('hex');
  add(LONG_TERM);
  add(TEMPORARY, { sessionTokenSha256, expiresAt: clock.now() + 3_600_000, kind: 'role' });
  add(EXPIRED, { sessionTokenSha256, expiresAt: clock.now(), kind: 'role' });
  add(INACTIVE, { active: false });
  const counts = { finds: 0, checks: 0 };
  const authenticator = createSigV4Authenticator({
    clock,
    accessKeys: {
      find(accessKeyId) {
        counts.finds++;
        const entry = entries.get(accessKeyId);
        return options.async === true ? Promise.resolve(entry) : entry;
      },
    },
    verifier: {
      verifySigV4(...input) {
        counts.checks++;
        return test.engine.verifySigV4(...input);
      },
    },
    ...(options.service === undefined ? {} : { service: options.service }),
    ...(options.regions === undefined ? {} : { regions: options.regions }),
  });
  const call = (lines: Lines, body = BODY, target = 'POST /'): Promise<Caller> =>
    authenticator.authenticate(new Head(lines, target), Buffer.from(body));
  return {
    authenticator,
    clock,
    test,
    secret,
    entries,
    counts,
    call,
    refusal: (lines, body, target) => refusalOf(call(lines, body, target)),
    close: () => test.close(),
  };
}

export async function loadSecret(test: TestEngine, secret: string): Promise<KeyHandle> {
  const aad = Buffer.from('access key');
  const wrapped = await test.engine.wrap(test.root, Buffer.from(secret), aad);
  return test.engine.loadKey(test.root, 'SIGV4_SECRET', wrapped, aad);
}

function entryOf(accessKeyId: string, secret: KeyHandle): AccessKeyEntry {
  return {
    accessKeyId,
    secret,
    account: '123456789012',
    principalArn: 'arn:aws:iam::123456789012:user/admin',
    kind: 'user',
    name: 'admin',
    active: true,
    sessionTokenSha256: null,
    expiresAt: null,
  };
}

/** `code: message` of the KmsError that `call` rejects with. */
export async function refusalOf(call: Promise<Caller>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (isKmsError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error('the request was accepted, though it had to be refused');
}
