/** Whole HTTP requests as text, signed with AWS Signature Version 4, for a load generator. */
import { createHash, createHmac } from 'node:crypto';

export interface Credentials {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string) =>
  createHmac('sha256', key).update(text).digest();

/** The signing key of one day, region and the service kms. */
export function signingKey(secret: string, day: string, region: string): Buffer {
  return hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), 'kms'), 'aws4_request');
}

/** One request: head and body, ready for the wire. Valid for five minutes. */
export function signedRequest(
  host: string,
  operation: string,
  input: object,
  credentials: Credentials,
): string {
  const body = JSON.stringify(input);
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
  const day = date.slice(0, 8);
  const headers: readonly (readonly [string, string])[] = [
    ['content-type', 'application/x-amz-json-1.1'],
    ['host', host],
    ['x-amz-date', date],
    ['x-amz-target', `TrentService.${operation}`],
  ];
  const names = headers.map(([name]) => name).join(';');
  const lines = headers.map(([name, value]) => `${name}:${value}\n`).join('');
  const canonical = `POST\n/\n\n${lines}\n${names}\n${sha256(body)}`;
  const scope = `${day}/${credentials.region}/kms/aws4_request`;
  const toSign = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical)}`;
  const key = signingKey(credentials.secretAccessKey, day, credentials.region);
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  const head = [
    'POST / HTTP/1.1',
    ...headers.map(([name, value]) => `${name}: ${value}`),
    'user-agent: keystrel-bench/1',
    `authorization: AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, ` +
      `SignedHeaders=${names}, Signature=${signature}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

/** Sends one request by itself and returns its parsed answer; for keys and ciphertexts. */
export async function callOnce(
  endpoint: string,
  operation: string,
  input: object,
  credentials: Credentials,
): Promise<Record<string, unknown>> {
  const url = new URL(endpoint);
  const text = signedRequest(url.host, operation, input, credentials);
  const [head, body] = text.split('\r\n\r\n') as [string, string];
  const headers = Object.fromEntries(
    head
      .split('\r\n')
      .slice(1)
      .map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string])
      .filter(([name]) => name !== 'host' && name !== 'content-length'),
  );
  const reply = await fetch(endpoint, { method: 'POST', headers, body });
  const answer = await reply.text();
  if (reply.status !== 200) throw new Error(`${operation}: ${reply.status} ${answer}`);
  return answer === '' ? {} : (JSON.parse(answer) as Record<string, unknown>);
}
