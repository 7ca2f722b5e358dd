/** The SigV4 check of OP.SIGV4 over node:crypto (AWS Signature Version 4). */
import { createHash, createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { STATUS } from '../frame-layout.js';
import { JobStatus } from './node-keys.js';

/** Gives the hex SHA-256 of the body. @throws JobStatus INVALID_SIGNATURE, BAD_INPUT */
export function checkSigV4(
  secret: KeyObject,
  canonical: Buffer,
  body: Buffer,
  tail: Buffer,
): Buffer {
  const dates = tail.subarray(64).toString('latin1');
  const scope = dates.split('\n')[1]?.split('/');
  if (tail.length < 64 || scope?.length !== 4 || !dates.endsWith('\n')) {
    throw new JobStatus(STATUS.BAD_INPUT);
  }
  const payloadHash = createHash('sha256').update(body).digest('hex');
  const request = createHash('sha256').update(canonical).update(payloadHash).digest('hex');
  let key: Buffer = Buffer.concat([Buffer.from('AWS4'), secret.export()]);
  for (const part of scope) key = createHmac('sha256', key).update(part).digest();
  const text = `AWS4-HMAC-SHA256\n${dates}${request}`;
  const expect = createHmac('sha256', key).update(text).digest('hex');
  if (!timingSafeEqual(Buffer.from(expect), tail.subarray(0, 64))) {
    throw new JobStatus(STATUS.INVALID_SIGNATURE);
  }
  return Buffer.from(payloadHash);
}
