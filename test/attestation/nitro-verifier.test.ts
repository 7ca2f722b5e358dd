/**
 * Attestation documents against the rules of aws-nitro-enclaves-nsm-api, docs/attestation_process.md:
 * good ones of both platforms, and every way of being bad, each with its reason.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { KeyUsageFlags } from '@peculiar/asn1-x509';
import { encode } from 'cborg';
import { beforeAll, describe, expect, test } from 'vitest';
import { createNitroVerifier } from '../../src/attestation/nitro-verifier.js';
import type { RecipientVerifier } from '../../src/attestation/port.js';
import { ManualClock } from '../../src/core/clock.js';
import { isKmsError } from '../../src/core/errors.js';
import {
  coseSign1,
  type Entity,
  ES384_HEADER,
  extension,
  fieldsOf,
  issue,
  makeDocument,
  makePki,
  type Pki,
  pemOf,
  RECIPIENT,
  register,
} from './documents.js';

const NOW = Date.UTC(2026, 5, 1, 12);
const HOUR_MS = 3_600_000;
let pki: Pki;
let stranger: Pki;
let verifier: RecipientVerifier;
let good: Buffer;

beforeAll(() => {
  pki = makePki(NOW);
  stranger = makePki(NOW);
  verifier = createNitroVerifier(pki.rootPem, new ManualClock(NOW));
  good = makeDocument(pki, NOW);
});

/** The reason of the ValidationException with which the document is refused. */
async function reason(document: Uint8Array, by: RecipientVerifier = verifier): Promise<string> {
  try {
    await by.verify(document);
  } catch (error) {
    if (!isKmsError(error, 'ValidationException')) throw error;
    const match = /^The attestation document is not valid: (.+)\.$/.exec(error.message);
    if (match !== null) return match[1]!;
    throw error;
  }
  throw new Error('the document was accepted');
}

describe('good documents', () => {
  test('of an enclave', async () => {
    const recipient = await verifier.verify(good);
    expect(recipient.platform).toBe('NitroEnclave');
    expect(recipient.moduleId).toBe('i-0123456789abcdef0-enc0123456789abcdef');
    expect(recipient.timestamp).toBe(NOW);
    expect([...recipient.pcrs.keys()]).toEqual([0, 1, 2, 3, 4, 8, 15]);
    expect(recipient.pcrs.get(8)).toBe('09'.repeat(48));
  });

  test('of a NitroTPM, and with the tag of COSE_Sign1', async () => {
    const untagged = makeDocument(pki, NOW, (fields) => {
      fields.delete('pcrs');
      fields.set('nitrotpm_pcrs', new Map([[4, register(4)]]));
      fields.set('user_data', Buffer.from('signed too'));
      fields.delete('nonce');
    });
    const recipient = await verifier.verify(Buffer.concat([Buffer.from([0xd2]), untagged]));
    expect(recipient.platform).toBe('NitroTPM');
    expect([...recipient.pcrs]).toEqual([[4, '05'.repeat(48)]]);
  });

  test('one of several roots, a chain of root and signer alone, and a key of RSA 4096', async () => {
    const root = issue(NOW, { name: 'short', pathLength: 0 });
    const signer = issue(NOW, { name: 'short signer', issuer: root, ca: false });
    const short = { authorities: [root], signer, rootPem: pemOf(root) };
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 4096 });
    const document = makeDocument(short, NOW, (fields) =>
      fields.set('public_key', publicKey.export({ format: 'der', type: 'spki' })),
    );
    const both = createNitroVerifier(`${pki.rootPem}\n${short.rootPem}`, new ManualClock(NOW));
    expect((await both.verify(document)).platform).toBe('NitroEnclave');
    expect((await both.verify(good)).platform).toBe('NitroEnclave');
    expect(await reason(document)).toBe('its chain begins with no trusted root');
  });

  test('may be used again while the certificate is valid, and no longer', async () => {
    const clock = new ManualClock(NOW);
    const patient = createNitroVerifier(pki.rootPem, clock);
    await patient.verify(good);
    clock.advance(3 * HOUR_MS);
    expect((await patient.verify(good)).moduleId).toContain('enc');
    clock.advance(1_000);
    expect(await reason(good, patient)).toBe('a certificate of its chain has expired');
  });
});

describe('the COSE object', () => {
  test('cut off at any byte', async () => {
    const seen = new Set<string>();
    for (let length = 0; length < good.length; length++) {
      seen.add(await reason(good.subarray(0, length)));
    }
    expect([...seen]).toEqual(['it is no well-formed CBOR']);
  });

  test('a byte changed', async () => {
    // Of the root's own bytes each one counts too: they are compared with the trusted root's.
    for (let at = 0; at < good.length; at += 3) {
      const bad = Buffer.from(good);
      bad[at]! ^= 1 << (at % 8);
      expect(await reason(bad), `byte ${at}`).not.toBe('');
    }
  });

  test('bytes behind it', async () => {
    expect(await reason(Buffer.concat([good, Buffer.from([0])]))).toBe('it is no well-formed CBOR');
  });

  test.each<[string, (payload: Uint8Array) => unknown]>([
    ['no array', () => 7],
    ['three items', (payload) => [ES384_HEADER, new Map(), payload]],
    ['five items', (payload) => [ES384_HEADER, new Map(), payload, Buffer.alloc(96), 0]],
    ['a header that is a map', (payload) => [new Map(), new Map(), payload, Buffer.alloc(96)]],
    [
      'something unprotected',
      (payload) => [ES384_HEADER, new Map([[4, 1]]), payload, Buffer.alloc(96)],
    ],
    ['a detached payload', () => [ES384_HEADER, new Map(), null, Buffer.alloc(96)]],
  ])('%s', async (_what, make) => {
    const payload = encode(fieldsOf(pki, NOW));
    expect(await reason(Buffer.from(encode(make(payload))))).toBe('it is no COSE_Sign1');
  });

  test.each<[string, Map<unknown, unknown>]>([
    ['ES256', new Map([[1, -7]])],
    ['none', new Map()],
    ['text', new Map([['alg', -35]])],
    [
      'more than it',
      new Map([
        [1, -35],
        [2, 1],
      ]),
    ],
  ])('algorithm: %s', async (_what, header) => {
    const key = pki.signer.privateKey;
    const document = coseSign1(encode(fieldsOf(pki, NOW)), key, encode(header));
    expect(await reason(document)).toBe('its signature algorithm is not ES384');
  });

  test('signature of another length, or of another key', async () => {
    const payload = encode(fieldsOf(pki, NOW));
    const short = encode([ES384_HEADER, new Map(), payload, Buffer.alloc(64)]);
    expect(await reason(short)).toBe('its signature is none of ES384');
    const other = coseSign1(payload, stranger.signer.privateKey);
    expect(await reason(other)).toBe('its signature does not match');
  });

  test('the signature is of other registers', async () => {
    const fields = fieldsOf(pki, NOW);
    const at = good.indexOf(register(0));
    expect(at).toBeGreaterThan(0);
    const bad = Buffer.from(good);
    bad.fill(0xee, at, at + 48);
    expect(await reason(bad)).toBe('its signature does not match');
    expect(fields.get('pcrs')).toBeInstanceOf(Map);
  });

  test('huge, and payloads that are too long', async () => {
    expect(await reason(Buffer.alloc(262_144, 0x80))).toBe('it has more than 32768 bytes');
    const long = makeDocument(pki, NOW, (fields) => fields.set('user_data', Buffer.alloc(16_384)));
    expect(await reason(long)).toBe('its payload has not 1 to 16384 bytes');
  });

  test.each<[string, Buffer]>([
    ['arrays in arrays', Buffer.alloc(32_768, 0x81)],
    ['tags before tags', Buffer.alloc(32_768, 0xd2)],
    ['maps in maps', Buffer.alloc(32_768, 0xa1)],
    ['an array that claims four billion items', Buffer.from('9affffffff', 'hex')],
    ['a byte string that claims as many bytes', Buffer.from('845affffffff', 'hex')],
    ['indefinite lengths', Buffer.from('9f40a04040ff', 'hex')],
    ['a number longer than it need be', Buffer.from('841800a04040', 'hex')],
    ['another tag', Buffer.from('c18440a04040', 'hex')],
    ['nothing', Buffer.alloc(0)],
  ])('hostile CBOR: %s', async (_what, bytes) => {
    expect(await reason(bytes)).toBe('it is no well-formed CBOR');
  });
});

type Change = (fields: Map<string, unknown>) => void;
const set =
  (name: string, value: unknown): Change =>
  (fields) =>
    void fields.set(name, value);
const without =
  (name: string): Change =>
  (fields) =>
    void fields.delete(name);
const pcrs = (...entries: [unknown, unknown][]): Change => set('pcrs', new Map(entries));

describe('the fields', () => {
  test.each<[string, Change, string]>([
    ['no digest', without('digest'), 'its digest is not SHA384'],
    ['another digest', set('digest', 'SHA256'), 'its digest is not SHA384'],
    ['no module', without('module_id'), 'its module_id is no text of 1 to 256 characters'],
    ['an empty module', set('module_id', ''), 'its module_id is no text of 1 to 256 characters'],
    [
      'a long module',
      set('module_id', 'm'.repeat(257)),
      'its module_id is no text of 1 to 256 characters',
    ],
    ['no timestamp', without('timestamp'), 'its timestamp is no positive integer'],
    ['timestamp 0', set('timestamp', 0), 'its timestamp is no positive integer'],
    ['a timestamp of text', set('timestamp', '7'), 'its timestamp is no positive integer'],
    ['no registers', without('pcrs'), 'it has not one set of registers'],
    [
      'two sets of them',
      set('nitrotpm_pcrs', new Map([[0, register(0)]])),
      'it has not one set of registers',
    ],
    ['none in the set', pcrs(), 'its pcrs is no map of 1 to 32 registers'],
    ['register 32', pcrs([32, register(0)]), 'its pcrs has a register that is none of 0 to 31'],
    ['register -1', pcrs([-1, register(0)]), 'its pcrs has a register that is none of 0 to 31'],
    ['register "0"', pcrs(['0', register(0)]), 'its pcrs has a register that is none of 0 to 31'],
    [
      'a short value',
      pcrs([0, Buffer.alloc(47)]),
      'its pcrs has a value that is not 48 bytes long',
    ],
    [
      'a value of text',
      pcrs([0, 'x'.repeat(48)]),
      'its pcrs has a value that is not 48 bytes long',
    ],
    [
      'no certificate',
      without('certificate'),
      'its certificate is no byte string of 1 to 1024 bytes',
    ],
    [
      'a long certificate',
      set('certificate', Buffer.alloc(1025)),
      'its certificate is no byte string of 1 to 1024 bytes',
    ],
    ['no bundle', without('cabundle'), 'its cabundle has not 1 to 6 certificates'],
    ['an empty bundle', set('cabundle', []), 'its cabundle has not 1 to 6 certificates'],
    [
      'a bundle of seven',
      set(
        'cabundle',
        Array.from({ length: 7 }, () => Buffer.alloc(9)),
      ),
      'its cabundle has not 1 to 6 certificates',
    ],
    [
      'text in the bundle',
      set('cabundle', ['x']),
      'its cabundle is no byte string of 1 to 1024 bytes',
    ],
    ['no public key', set('public_key', null), 'it has no public_key'],
    [
      'an empty public key',
      set('public_key', Buffer.alloc(0)),
      'its public_key is no byte string of 1 to 1024 bytes',
    ],
    [
      'a long nonce',
      set('nonce', Buffer.alloc(1025)),
      'its nonce is no byte string of at most 1024 bytes',
    ],
    [
      'user data of text',
      set('user_data', 'text'),
      'its user_data is no byte string of at most 1024 bytes',
    ],
    ['a map in user data', set('user_data', new Map([[0, [0]]])), 'it is no well-formed CBOR'],
  ])('%s', async (_what, change, expected) => {
    expect(await reason(makeDocument(pki, NOW, change))).toBe(expected);
  });

  test('a field that stands twice', async () => {
    const entry = Buffer.from(encode('digest'));
    const fields = Buffer.from(encode(fieldsOf(pki, NOW)));
    const doubled = Buffer.concat([
      Buffer.from([fields[0]! + 1]),
      ...[fields.subarray(1), entry, Buffer.from(encode('SHA384'))],
    ]);
    const document = coseSign1(doubled, pki.signer.privateKey);
    expect(await reason(document)).toBe('it is no well-formed CBOR');
  });

  test.each<[string, number, string]>([
    ['in five minutes and a bit', 300_001, 'its timestamp is in the future'],
    [
      'before its certificate',
      -HOUR_MS - 300_001,
      'its timestamp is not in the time of its certificate',
    ],
  ])('a timestamp %s', async (_what, offset, expected) => {
    const document = makeDocument(pki, NOW, set('timestamp', NOW + offset));
    expect(await reason(document)).toBe(expected);
    const near = makeDocument(pki, NOW, set('timestamp', NOW + offset - Math.sign(offset)));
    expect((await verifier.verify(near)).timestamp).toBe(NOW + offset - Math.sign(offset));
  });

  const spki = ({ publicKey }: { publicKey: KeyObject }) =>
    publicKey.export({ format: 'der', type: 'spki' });
  const rsa = (modulusLength: number) => spki(generateKeyPairSync('rsa', { modulusLength }));
  const weak = 'its public_key is no RSA key of 2048 to 4096 bits';
  const broken = 'its public_key is no SubjectPublicKeyInfo';
  test.each<[string, () => Uint8Array, string]>([
    ['RSA 1024', () => rsa(1024), weak],
    ['RSA 5120', () => rsa(5120), weak],
    ['RSA-PSS', () => spki(generateKeyPairSync('rsa-pss', { modulusLength: 2048 })), weak],
    ['P-384', () => spki(generateKeyPairSync('ec', { namedCurve: 'P-384' })), weak],
    ['Ed25519', () => spki(generateKeyPairSync('ed25519')), weak],
    ['garbage', () => Buffer.alloc(294, 0x30), broken],
    ['bytes behind it', () => Buffer.concat([RECIPIENT.spki, Buffer.from([0])]), broken],
    ['cut off', () => RECIPIENT.spki.subarray(0, -1), broken],
  ])('public key: %s', async (_what, key, expected) => {
    expect(await reason(makeDocument(pki, NOW, set('public_key', key())))).toBe(expected);
  });
});

describe('the chain', () => {
  /** A document whose chain is `authorities` and a signer under the last of them. */
  function under(authorities: readonly Entity[], signer?: Entity): Buffer {
    const last = authorities[authorities.length - 1]!;
    const own = signer ?? issue(NOW, { issuer: last, ca: false });
    return makeDocument({ ...pki, authorities, signer: own }, NOW);
  }
  const notIssued = 'a certificate was not issued by the one before it';
  const notAuthority = 'a certificate of its chain may not certify the next';
  const noSigner = 'its certificate is none for signing';
  const unreadable = 'a certificate cannot be read';

  test('of another root, though names agree', async () => {
    expect(await reason(makeDocument(stranger, NOW))).toBe('its chain begins with no trusted root');
    const [root] = pki.authorities;
    const [, region, zone] = stranger.authorities;
    expect(await reason(under([root!, region!, zone!], stranger.signer))).toBe(notIssued);
  });

  test('in another order, with a gap, or without its root', async () => {
    const [root, region, zone] = pki.authorities;
    expect(await reason(under([root!, zone!, region!], pki.signer))).toBe(notIssued);
    expect(await reason(under([root!, zone!], pki.signer))).toBe(notIssued);
    expect(await reason(under([region!, zone!], pki.signer))).toBe(
      'its chain begins with no trusted root',
    );
  });

  test('with names that agree and a signature of somebody else', async () => {
    const [root, region, zone] = pki.authorities;
    const [, , other] = stranger.authorities;
    const signer = issue(NOW, { issuer: zone, signer: other!, ca: false });
    expect(await reason(under([root!, region!, zone!], signer))).toBe(notIssued);
  });

  test('longer than its authorities allow', async () => {
    const [root, region, zone] = pki.authorities;
    const more = issue(NOW, { issuer: zone });
    expect(await reason(under([root!, region!, zone!, more]))).toBe(notAuthority);
  });

  test('through a certificate that is no authority', async () => {
    const [root, region] = pki.authorities;
    const leaf = issue(NOW, { issuer: region, ca: false });
    expect(await reason(under([root!, region!, leaf]))).toBe(notAuthority);
    const usage = KeyUsageFlags.digitalSignature;
    const mute = issue(NOW, { issuer: region, pathLength: 0, usage });
    expect(await reason(under([root!, region!, mute]))).toBe(notAuthority);
  });

  test('to a signer that may not sign, or that is an authority', async () => {
    const issuer = pki.authorities[2];
    const usage = KeyUsageFlags.keyAgreement;
    const mute = issue(NOW, { issuer, ca: false, usage });
    expect(await reason(under(pki.authorities, mute))).toBe(noSigner);
    const authority = issue(NOW, { issuer, usage: KeyUsageFlags.digitalSignature });
    expect(await reason(under(pki.authorities, authority))).toBe(noSigner);
  });

  test('expired, or not valid yet, at any place', async () => {
    const issuer = pki.authorities[2];
    const old = issue(NOW, { issuer, ca: false, notAfter: NOW - 1_000 });
    const early = issue(NOW, { issuer, ca: false, notBefore: NOW + 1_000 });
    const expired = 'a certificate of its chain has expired';
    expect(await reason(under(pki.authorities, old))).toBe(expired);
    expect(await reason(under(pki.authorities, early))).toBe(
      'a certificate of its chain is not valid yet',
    );
    const [root, region] = pki.authorities;
    const zone = issue(NOW, { issuer: region, pathLength: 0, notAfter: NOW - 1_000 });
    expect(await reason(under([root!, region!, zone]))).toBe(expired);
    const late = createNitroVerifier(pki.rootPem, new ManualClock(NOW + 48 * HOUR_MS));
    expect(await reason(good, late)).toBe(expired);
  });

  test('with keys, signatures or extensions that are not known', async () => {
    const issuer = pki.authorities[2];
    const weak = issue(NOW, { issuer, ca: false, curve: 'brainpoolP384r1' });
    expect(await reason(under(pki.authorities, weak))).toBe(unreadable);
    const sha256 = issue(NOW, { issuer, ca: false, hash: 'sha256' });
    expect(await reason(under(pki.authorities, sha256))).toBe(unreadable);
    const unknown = (critical: boolean) => [
      extension('1.3.6.1.4.1.99999.1', critical, new Uint8Array([0x05, 0x00])),
    ];
    const critical = issue(NOW, { issuer, ca: false, extensions: unknown(true) });
    expect(await reason(under(pki.authorities, critical))).toBe(unreadable);
    const harmless = issue(NOW, { issuer, ca: false, extensions: unknown(false) });
    const recipient = await verifier.verify(under(pki.authorities, harmless));
    expect(recipient.platform).toBe('NitroEnclave');
  });

  test('of garbage', async () => {
    const { signer } = pki;
    const garbage = [
      Buffer.alloc(600, 0x30),
      Buffer.from([0x30, 0x00]),
      signer.der.subarray(0, -1),
    ];
    for (const der of [...garbage, Buffer.concat([signer.der, Buffer.from([0])])]) {
      const document = makeDocument(pki, NOW, set('certificate', der));
      expect(await reason(document)).toBe(unreadable);
    }
  });
});

describe('many at once', () => {
  test('beyond a bound they are throttled, and those within are answered', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 300 }, () => verifier.verify(good)),
    );
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBe(300 - 256);
    for (const outcome of refused) {
      const error = (outcome as PromiseRejectedResult).reason as unknown;
      expect(isKmsError(error, 'ThrottlingException')).toBe(true);
    }
    expect((await verifier.verify(good)).platform).toBe('NitroEnclave');
  });
});

describe('roots', () => {
  test.each<[string, string, RegExp]>([
    ['none', '', /not 1 to 16 certificates in PEM/],
    ['a key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----', /not 1 to 16/],
    [
      'garbage',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
      /no X\.509 certificate/,
    ],
  ])('%s', (_what, pem, text) => {
    expect(() => createNitroVerifier(pem, new ManualClock(NOW))).toThrow(text);
  });

  test('more than 16', () => {
    const many = pki.rootPem.repeat(17);
    expect(() => createNitroVerifier(many, new ManualClock(NOW))).toThrow(/not 1 to 16/);
  });
});
