/**
 * A Nitro attestation PKI of the test's own: a root, authorities under it, and the documents that
 * its hypervisor would sign, whole or spoiled in one place.
 */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  BasicConstraints,
  Certificate,
  Extension,
  Extensions,
  id_ce_basicConstraints,
  id_ce_keyUsage,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';
import { encode } from 'cborg';

const HOUR_MS = 3_600_000;
const COMMON_NAME = '2.5.4.3';
const ECDSA_WITH: Readonly<Record<string, string>> = {
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
};

export interface Entity {
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly der: Buffer;
}

/** What a certificate says; what is not given is right for its place in the chain. */
export interface CertificateTerms {
  readonly name?: string;
  readonly issuer?: Entity | undefined;
  readonly ca?: boolean;
  readonly pathLength?: number | undefined;
  readonly usage?: KeyUsageFlags;
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly curve?: 'brainpoolP384r1' | 'P-384';
  readonly hash?: 'sha256' | 'sha384';
  readonly extensions?: readonly Extension[];
  /** Signs in the issuer's place. */
  readonly signer?: Entity;
}

/** An ArrayBuffer of its own: what the ASN.1 library takes. */
const exact = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;

export function extension(id: string, critical: boolean, der: Uint8Array | ArrayBuffer): Extension {
  return new Extension({
    extnID: id,
    critical,
    extnValue: new OctetString(exact(new Uint8Array(der))),
  });
}

function distinguishedName(commonName: string): Name {
  const value = new AttributeValue({ utf8String: commonName });
  const attribute = new AttributeTypeAndValue({ type: COMMON_NAME, value });
  return new Name([new RelativeDistinguishedName([attribute])]);
}

let serial = 1;

/** Makes a key and its certificate. */
export function issue(now: number, terms: CertificateTerms): Entity {
  const { issuer, ca = true, pathLength, curve = 'P-384', hash = 'sha384' } = terms;
  const name = terms.name ?? `test ${serial}`;
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: curve });
  const usage = terms.usage ?? (ca ? KeyUsageFlags.keyCertSign : KeyUsageFlags.digitalSignature);
  const constraints = new BasicConstraints({
    cA: ca,
    ...(pathLength === undefined ? {} : { pathLenConstraint: pathLength }),
  });
  const algorithm = new AlgorithmIdentifier({ algorithm: ECDSA_WITH[hash]! });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: exact(Buffer.from([1, serial >> 8, serial++ & 0xff])),
    signature: algorithm,
    issuer: distinguishedName(issuer?.name ?? name),
    validity: new Validity({
      notBefore: new Date(terms.notBefore ?? now - HOUR_MS),
      notAfter: new Date(terms.notAfter ?? now + (ca ? 24 : 3) * HOUR_MS),
    }),
    subject: distinguishedName(name),
    subjectPublicKeyInfo: AsnConvert.parse(spki, SubjectPublicKeyInfo),
    extensions: new Extensions([
      extension(id_ce_basicConstraints, true, AsnConvert.serialize(constraints)),
      extension(id_ce_keyUsage, true, AsnConvert.serialize(new KeyUsage(usage))),
      ...(terms.extensions ?? []),
    ]),
  });
  const { privateKey: key } = terms.signer ?? issuer ?? { privateKey };
  const signature = sign(hash, Buffer.from(AsnConvert.serialize(tbsCertificate)), key);
  const certificate = new Certificate({
    tbsCertificate,
    signatureAlgorithm: algorithm,
    signatureValue: exact(signature),
  });
  return { name, privateKey, der: Buffer.from(AsnConvert.serialize(certificate)) };
}

export function pemOf({ der }: Entity): string {
  const lines = der
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

export interface Pki {
  /** Root first, as in a document. */
  readonly authorities: readonly Entity[];
  readonly signer: Entity;
  /** The root, PEM. */
  readonly rootPem: string;
}

/** Root, two authorities and a signer, all valid around `now`. */
export function makePki(now: number): Pki {
  const root = issue(now, { name: 'root', pathLength: 3 });
  const region = issue(now, { name: 'region', issuer: root, pathLength: 1 });
  const zone = issue(now, { name: 'zone', issuer: region, pathLength: 0 });
  const signer = issue(now, { name: 'instance', issuer: zone, ca: false });
  return { authorities: [root, region, zone], signer, rootPem: pemOf(root) };
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
/** The recipient's own key: the enclave's. */
export const RECIPIENT: { readonly privateKey: KeyObject; readonly spki: Buffer } = {
  privateKey: rsa.privateKey,
  spki: rsa.publicKey.export({ format: 'der', type: 'spki' }),
};

/** Register n has 48 bytes of n + 1. */
export const register = (n: number): Buffer => Buffer.alloc(48, n + 1);

/** The fields of a document of an enclave, in the hypervisor's order. */
export function fieldsOf(pki: Pki, now: number): Map<string, unknown> {
  return new Map<string, unknown>([
    ['module_id', 'i-0123456789abcdef0-enc0123456789abcdef'],
    ['digest', 'SHA384'],
    ['timestamp', now],
    ['pcrs', new Map([0, 1, 2, 3, 4, 8, 15].map((n) => [n, register(n)]))],
    ['certificate', pki.signer.der],
    ['cabundle', pki.authorities.map(({ der }) => der)],
    ['public_key', RECIPIENT.spki],
    ['user_data', null],
    ['nonce', null],
  ]);
}

export const ES384_HEADER = encode(new Map([[1, -35]]));

/** A COSE_Sign1 over `payload` by `key`, untagged as the hypervisor writes it. */
export function coseSign1(
  payload: Uint8Array,
  key: KeyObject,
  protectedHeader: Uint8Array = ES384_HEADER,
  unprotected: Map<unknown, unknown> = new Map(),
): Buffer {
  const signed = encode(['Signature1', protectedHeader, new Uint8Array(0), payload]);
  const signature = sign('sha384', signed, { key, dsaEncoding: 'ieee-p1363' });
  return Buffer.from(encode([protectedHeader, unprotected, payload, signature]));
}

/** A document whose fields `change` may spoil before they are signed. */
export function makeDocument(
  pki: Pki,
  now: number,
  change: (fields: Map<string, unknown>) => void = () => undefined,
): Buffer {
  const fields = fieldsOf(pki, now);
  change(fields);
  return coseSign1(encode(fields), pki.signer.privateKey);
}
