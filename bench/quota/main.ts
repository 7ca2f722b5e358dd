/**
 * `scripts/bench quota`: RSA_4096 signatures are asked for at five times the cap of their class.
 * Shown are the rate that was accepted, and the latency of other key types with and without that
 * flood. The load generator shares the machine's cores with the server, so that latencies are those
 * of a busy machine; they count from the moment at which a request was due.
 */
import { parseArgs } from 'node:util';
import { type BenchRow, report } from '../harness.js';
import { startTarget, type Target } from '../http/targets.js';
import { openLoad, type Stream, type StreamResult } from './open-load.js';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    small: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '10' },
    cap: { type: 'string', default: '200' },
    rate: { type: 'string', default: '200' },
  },
});
const OVER = 5;
const WARM_UP = 2;

const message = Buffer.alloc(32, 7).toString('base64');

/** One stream per other key type, each at the same rate. */
async function others(target: Target, perSecond: number): Promise<Stream[]> {
  const symmetric = await target.createKey({});
  const mac = await target.createKey({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
  const ecc = await target.createKey({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
  return [
    {
      name: 'Encrypt SYMMETRIC_DEFAULT',
      operation: 'Encrypt',
      input: { KeyId: symmetric, Plaintext: message },
      perSecond,
    },
    {
      name: 'GenerateMac HMAC_256',
      operation: 'GenerateMac',
      input: { KeyId: mac, Message: message, MacAlgorithm: 'HMAC_SHA_256' },
      perSecond,
    },
    {
      name: 'Sign ECC_NIST_P256',
      operation: 'Sign',
      input: { KeyId: ecc, Message: message, SigningAlgorithm: 'ECDSA_SHA_256' },
      perSecond,
    },
  ];
}

async function flood(target: Target, perSecond: number): Promise<Stream> {
  const KeyId = await target.createKey({ KeySpec: 'RSA_4096', KeyUsage: 'SIGN_VERIFY' });
  return {
    name: 'Sign RSA_4096',
    operation: 'Sign',
    input: { KeyId, Message: message, SigningAlgorithm: 'RSASSA_PSS_SHA_256' },
    perSecond,
  };
}

function requireSound(results: readonly StreamResult[]): void {
  for (const { name, failed, notSent } of results) {
    if (failed.size > 0 || notSent > 0) {
      const text = [...failed].map(([error, count]) => `${count} ${error}`).join(', ');
      throw new Error(`${name}: ${notSent} not sent, ${text}`);
    }
  }
}

function latencyRow(name: string, result: StreamResult, seconds: number): BenchRow {
  return {
    bench: 'quota',
    op: name,
    backend: 'keystrel',
    ops_per_s: Math.round(result.accepted / seconds),
    p50_us: result.p50Us,
    p99_us: result.p99Us,
  };
}

async function main(): Promise<void> {
  const seconds = options.small ? 2 : Number(options.seconds);
  const cap = options.small ? 20 : Number(options.cap);
  const target = await startTarget('keystrel', { 'crypto-rsa': cap });
  try {
    const streams = await others(target, Number(options.rate));
    const storm = await flood(target, OVER * cap);
    const load = (all: readonly Stream[]) =>
      openLoad(target.endpoint, target.credentials, all, WARM_UP, seconds);
    const quiet = await load(streams);
    requireSound(quiet);
    const [stormy, ...beside] = (await load([storm, ...streams])) as [
      StreamResult,
      ...StreamResult[],
    ];
    requireSound([stormy, ...beside]);
    const rate = stormy.accepted / seconds;
    const rows: BenchRow[] = [
      {
        ...latencyRow(`${stormy.name}, offered ${OVER * cap}/s`, stormy, seconds),
        ops_per_s: Number(rate.toFixed(1)),
        baseline: `cap ${cap}/s`,
        ratio: Number((rate / cap).toFixed(4)),
      },
    ];
    for (const [i, calm] of quiet.entries()) {
      const busy = beside[i]!;
      rows.push(latencyRow(`${calm.name}, alone`, calm, seconds));
      rows.push({
        ...latencyRow(`${busy.name}, during the flood`, busy, seconds),
        baseline: 'p99 alone',
        ratio: Number((busy.p99Us / Math.max(1, calm.p99Us)).toFixed(2)),
      });
    }
    report(rows, { json: options.json, record: !options.small });
  } finally {
    await target.stop();
  }
}

await main();
