/** Requests that must be accepted, signed by signers that share no code with the product. */
import { EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backends } from '../engine/support.js';
import {
  HOST,
  type Lines,
  LONG_TERM,
  NOW,
  openRig,
  REGION,
  type Rig,
  SECRET,
  signedLines,
  TEMPORARY,
  TOKEN,
  withLine,
} from './rig.js';

/** The header lines that the AWS SDK for JavaScript would send for an Encrypt call, and its body. */
async function sdkRequest(token?: string): Promise<{ lines: Lines; body: string }> {
  let sent: { headers: Record<string, string>; body: unknown } | undefined;
  const kms = new KMSClient({
    endpoint: `https://${HOST}`,
    region: REGION,
    maxAttempts: 1,
    credentials: {
      accessKeyId: token === undefined ? LONG_TERM : TEMPORARY,
      secretAccessKey: SECRET,
      ...(token === undefined ? {} : { sessionToken: token }),
    },
    requestHandler: {
      handle: async (request: typeof sent) => {
        sent = request;
        throw new Error('not sent');
      },
    },
  });
  const command = new EncryptCommand({ KeyId: 'alias/a', Plaintext: Buffer.from('hello') });
  await expect(kms.send(command)).rejects.toThrow('not sent');
  if (sent === undefined) throw new Error('the SDK made no request');
  const lines = Object.entries(sent.headers).map(([n, v]): [string, string] => [
    n.toLowerCase(),
    v,
  ]);
  return { lines, body: new TextDecoder().decode(sent.body as Uint8Array) };
}

describe.each(backends)('%s backend', (backend) => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ backend });
  });
  afterAll(() => rig.close());

  const caller = {
    account: '123456789012',
    arn: 'arn:aws:iam::123456789012:user/admin',
    kind: 'user',
    name: 'admin',
    accessKeyId: LONG_TERM,
    region: REGION,
  };

  it('accepts a signed request, again and again, with one frozen caller', async () => {
    const first = await rig.call(signedLines());
    expect(first).toEqual(caller);
    expect(Object.isFrozen(first)).toBe(true);
    for (let i = 0; i < 3; i++) {
      rig.clock.advance(1_000);
      const body = `{"Limit":${i}}`;
      const again = await rig.call(signedLines({}, { body, at: rig.clock.now() }), body);
      expect(again).toBe(first);
    }
  });

  it.each([undefined, TOKEN])('accepts the AWS SDK signer (session token: %s)', async (token) => {
    rig.clock.advance(Date.now() - rig.clock.now());
    // The SDK signs with the time of this machine, which may be past the end of the rig's key.
    const temporary = rig.entries.get(TEMPORARY)!;
    rig.entries.set(TEMPORARY, { ...temporary, expiresAt: rig.clock.now() + 3_600_000 });
    for (let i = 0; i < 3; i++) {
      const { lines, body } = await sdkRequest(token);
      expect(lines.map(([name]) => name)).toContain('amz-sdk-invocation-id');
      const found = await rig.call([...lines, ['connection', 'keep-alive']], body);
      expect(found.accessKeyId).toBe(token === undefined ? LONG_TERM : TEMPORARY);
    }
    rig.clock.advance(NOW - rig.clock.now());
  });

  it('accepts parameters in any order and with any separator', async () => {
    const lines = signedLines();
    const authorization = lines.find(([name]) => name === 'authorization')?.[1] ?? '';
    const [algorithm = '', ...parameters] = authorization.split(/,? /);
    for (const separator of [',', ', ', ' , ', ',  ']) {
      for (const order of [parameters, [...parameters].reverse()]) {
        const text = `${algorithm} ${order.join(separator)}`;
        expect(await rig.call(withLine(lines, 'authorization', text))).toEqual(caller);
      }
    }
  });
});
