/**
 * A plain HTTP client that signs as AWS Signature Version 4 says, written apart from the product's
 * own code. It sends what SDKs refuse to send.
 */
import { createHash, createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface RawReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The parsed body; {} when it is empty. */
  // biome-ignore lint/suspicious/noExplicitAny: replies are read by name in tests
  readonly json: any;
}

export interface RawOptions {
  readonly credentials: Credentials;
  readonly region: string;
  /** Sent and, unless unsigned, signed as well. Lower case names. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly target?: string;
}

const sha256 = (data: string) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string) =>
  createHmac('sha256', key).update(data).digest();

/** Headers of a signed POST / to `host`. */
export function signedHeaders(
  host: string,
  target: string,
  body: string,
  options: RawOptions,
  now = new Date(),
): Record<string, string> {
  const amzDate = now.toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
  const day = amzDate.slice(0, 8);
  const headers: Record<string, string> = {
    'content-type': 'application/x-amz-json-1.1',
    host,
    'x-amz-date': amzDate,
    'x-amz-target': target,
    ...options.headers,
  };
  const names = Object.keys(headers).sort();
  const canonical = [
    'POST',
    '/',
    '',
    ...names.map((name) => `${name}:${headers[name]!.trim()}`),
    '',
    names.join(';'),
    sha256(body),
  ].join('\n');
  const scope = `${day}/${options.region}/kms/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', amzDate, scope, sha256(canonical)].join('\n');
  const day1 = hmac(`AWS4${options.credentials.secretAccessKey}`, day);
  const key = hmac(hmac(hmac(day1, options.region), 'kms'), 'aws4_request');
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  headers.authorization =
    `AWS4-HMAC-SHA256 Credential=${options.credentials.accessKeyId}/${scope}, ` +
    `SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return headers;
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** Sends one request; rejects only when there is no HTTP answer. */
export function rawCall(
  endpoint: string,
  operation: string,
  body: unknown,
  options: RawOptions,
): Promise<RawReply> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const url = new URL(endpoint);
  const target = options.target ?? `TrentService.${operation}`;
  const headers = signedHeaders(url.host, target, text, options);
  return send(url, 'POST', headers, text);
}

/** GET of the admin listener. */
export function httpGet(url: string): Promise<RawReply> {
  return send(new URL(url), 'GET', {}, '');
}

function send(
  url: URL,
  method: string,
  headers: Record<string, string>,
  body: string,
): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        agent,
        host: url.hostname,
        port: url.port,
        path: url.pathname,
        method,
        headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
      },
      (reply) => {
        const chunks: Buffer[] = [];
        reply.on('data', (chunk: Buffer) => chunks.push(chunk));
        reply.on('error', reject);
        reply.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const isJson = (reply.headers['content-type'] ?? '').includes('json');
          const json = text === '' || !isJson ? {} : JSON.parse(text);
          resolve({ status: reply.statusCode ?? 0, headers: reply.headers, text, json });
        });
      },
    );
    call.setTimeout(30_000, () => call.destroy(new Error('no answer within 30 s')));
    call.on('error', reject);
    call.end(body);
  });
}
