/**
 * A KMS as one would write it in an afternoon: node:http, node:crypto, SigV4 checked, one key per
 * kind in memory, AES-256-GCM with a random IV, one JSON line appended to a log before the answer
 * leaves (the promise that our audit gives too). It checks no schema and no caps, and derives no
 * key. The yardstick of what the obvious way costs.
 *
 * BENCH_NAIVE_LOG=stream writes the line to a stream and answers at once: cheaper, but answers
 * may leave whose line is never written.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSign,
  generateKeyPairSync,
  randomBytes,
  randomUUID,
  timingSafeEqual,
} from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { signingKey } from './signed-request.js';

const secret = process.env.BENCH_SECRET ?? '';
const logFile = process.env.BENCH_LOG ?? '/dev/null';
const stream =
  process.env.BENCH_NAIVE_LOG === 'stream' ? createWriteStream(logFile, { flags: 'a' }) : undefined;
const log = stream === undefined ? await open(logFile, 'a') : undefined;
const aesKey = randomBytes(32);
const macKey = randomBytes(32);
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const arn = 'arn:aws:kms:us-east-1:000000000000:key/00000000-0000-4000-8000-000000000000';

function verify(headers: IncomingHttpHeaders, body: Buffer): boolean {
  const match = /Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})/.exec(
    headers.authorization ?? '',
  );
  if (match === null) return false;
  const [, credential, names, given] = match as unknown as [string, string, string, string];
  const [, day, region, service] = credential.split('/') as [string, string, string, string];
  const lines = names
    .split(';')
    .map((name) => `${name}:${String(headers[name]).trim()}\n`)
    .join('');
  const payload = createHash('sha256').update(body).digest('hex');
  const canonical = `POST\n/\n\n${lines}\n${names}\n${payload}`;
  const scope = `${day}/${region}/${service}/aws4_request`;
  const hash = createHash('sha256').update(canonical).digest('hex');
  const toSign = `AWS4-HMAC-SHA256\n${String(headers['x-amz-date'])}\n${scope}\n${hash}`;
  const expected = createHmac('sha256', signingKey(secret, day, region))
    .update(toSign)
    .digest();
  return timingSafeEqual(expected, Buffer.from(given, 'hex'));
}

interface Input {
  readonly Plaintext?: string;
  readonly CiphertextBlob?: string;
  readonly Message?: string;
}

function seal(plaintext: Buffer): Buffer {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', aesKey, iv);
  return Buffer.concat([iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function unseal(blob: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', aesKey, blob.subarray(0, 12));
  decipher.setAuthTag(blob.subarray(-16));
  return Buffer.concat([decipher.update(blob.subarray(12, -16)), decipher.final()]);
}

const base64 = (text = '') => Buffer.from(text, 'base64');

const operations: Readonly<Record<string, (input: Input) => object>> = {
  Encrypt: (input) => ({
    CiphertextBlob: seal(base64(input.Plaintext)).toString('base64'),
    KeyId: arn,
    EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
  }),
  Decrypt: (input) => ({
    Plaintext: unseal(base64(input.CiphertextBlob)).toString('base64'),
    KeyId: arn,
    EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
  }),
  GenerateDataKey: () => {
    const key = randomBytes(32);
    return {
      CiphertextBlob: seal(key).toString('base64'),
      Plaintext: key.toString('base64'),
      KeyId: arn,
    };
  },
  GenerateMac: (input) => ({
    Mac: createHmac('sha256', macKey).update(base64(input.Message)).digest('base64'),
    KeyId: arn,
    MacAlgorithm: 'HMAC_SHA_256',
  }),
  Sign: (input) => ({
    Signature: createSign('sha256').update(base64(input.Message)).sign(rsa.privateKey, 'base64'),
    KeyId: arn,
    SigningAlgorithm: 'RSASSA_PKCS1_V1_5_SHA_256',
  }),
};

function answer(headers: IncomingHttpHeaders, body: Buffer): [status: number, reply: object] {
  if (!verify(headers, body)) return [400, { __type: 'InvalidSignatureException' }];
  const name = String(headers['x-amz-target']).replace('TrentService.', '');
  const operation = operations[name];
  if (operation === undefined) return [400, { __type: 'UnknownOperationException' }];
  return [200, operation(JSON.parse(body.toString('utf8')) as Input)];
}

async function writeLine(line: string): Promise<void> {
  if (log !== undefined) await log.write(line);
  else stream?.write(line);
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
): Promise<void> {
  const [status, reply] = answer(request.headers, body);
  const requestId = randomUUID();
  const record = {
    eventTime: new Date().toISOString(),
    eventName: request.headers['x-amz-target'],
    sourceIPAddress: request.socket.remoteAddress,
    userAgent: request.headers['user-agent'],
    requestID: requestId,
    resources: [{ ARN: arn }],
    status,
  };
  await writeLine(`${JSON.stringify(record)}\n`);
  response.writeHead(status, {
    'Content-Type': 'application/x-amz-json-1.1',
    'x-amzn-RequestId': requestId,
  });
  response.end(JSON.stringify(reply));
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    serve(request, response, Buffer.concat(chunks)).catch(() => response.destroy());
  });
});

server.listen(0, '127.0.0.1', () => {
  console.log(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
