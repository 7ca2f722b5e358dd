/** Requests that must be accepted, signed by signers that share no code with the product. */
import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backends } from '../engine/support.js';
import {
  BODY,
  HOST,
  type Lines,
  LONG_TERM,
  openRig,
  REGION,
  type Rig,
  SECRET,
  signedLines,
  TARGET,
  TEMPORARY,
  TOKEN,
  withLine,
} from './rig.js';

class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array);
  }
  update(data: Uint8Array): void {
    this.#hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
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

  it.each([true, false])('accepts the AWS SDK signer (checksum header: %s)', async (checksum) => {
    const signer = new SignatureV4({
      service: 'kms',
      region: REGION,
      credentials: { accessKeyId: TEMPORARY, secretAccessKey: SECRET, sessionToken: TOKEN },
      sha256: Sha256,
      applyChecksum: checksum,
    });
    for (let i = 0; i < 3; i++) {
      const signed = await signer.sign(
        {
          method: 'POST',
          protocol: 'https:',
          hostname: 'kms.example.test',
          path: '/',
          query: {},
          headers: {
            host: HOST,
            'content-type': 'application/x-amz-json-1.1',
            'x-amz-target': TARGET,
            'user-agent': 'aws-sdk-js/3.1164.0',
            'amz-sdk-invocation-id': `6b1f9b2c-${i}`,
            'amz-sdk-request': 'attempt=1; max=3',
            'x-amzn-trace-id': 'Root=1-5759e988-bd862e3fe1be46a994272793',
            'content-length': String(BODY.length),
          },
          body: BODY,
        },
        { signingDate: new Date(rig.clock.now()) },
      );
      const lines: Lines = Object.entries(signed.headers);
      expect(lines.some(([name]) => name === 'x-amz-content-sha256')).toBe(checksum);
      const found = await rig.call([...lines, ['connection', 'keep-alive']]);
      expect(found.accessKeyId).toBe(TEMPORARY);
    }
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
