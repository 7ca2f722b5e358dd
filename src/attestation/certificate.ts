/**
 * X.509 certificates of attestation chains: what path validation needs to know of each.
 *
 * RFC 5280. node:crypto reads the certificate and its key; the ASN.1 library reads what node:crypto
 * does not show: the signature algorithm, key usage, the path length and what is critical.
 */
import { type KeyObject, verify, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  BasicConstraints,
  Certificate as CertificateAsn,
  type Extension,
  id_ce_basicConstraints,
  id_ce_keyUsage,
  KeyUsage,
  KeyUsageFlags,
} from '@peculiar/asn1-x509';
import { refusal } from './refusal.js';

/** ecdsa-with-SHA384 (RFC 5758, section 3.2): what Nitro's authorities sign with. */
const ECDSA_WITH_SHA384 = '1.2.840.10045.4.3.3';
const P384 = 'secp384r1';

const verifyAsync = promisify(verify);

export interface Certificate {
  readonly der: Buffer;
  readonly x509: X509Certificate;
  /** P-384. */
  readonly publicKey: KeyObject;
  /** Milliseconds since the Unix epoch; both ends belong to it. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly isCa: boolean;
  /** Most certificates of authorities that may follow; undefined = no bound. */
  readonly pathLength: number | undefined;
  readonly mayCertify: boolean;
  readonly maySign: boolean;
  /** What the issuer has signed, and its signature (DER). */
  readonly signed: Buffer;
  readonly signature: Buffer;
}

/** Reads a certificate in DER. @throws KmsError ValidationException */
export function readCertificate(bytes: Uint8Array): Certificate {
  const der = Buffer.from(bytes);
  try {
    return read(der);
  } catch (error) {
    throw refusal('a certificate cannot be read', error);
  }
}

function read(der: Buffer): Certificate {
  const x509 = new X509Certificate(der);
  // Bytes that are not in the certificate's own encoding were signed by nobody.
  if (!x509.raw.equals(der)) throw new Error('not DER, or bytes follow the certificate');
  const asn = AsnConvert.parse(der, CertificateAsn);
  const { tbsCertificate, tbsCertificateRaw, signatureAlgorithm, signatureValue } = asn;
  if (tbsCertificateRaw === undefined) throw new Error('no signed part');
  const inner = tbsCertificate.signature.algorithm;
  if (signatureAlgorithm.algorithm !== ECDSA_WITH_SHA384 || inner !== ECDSA_WITH_SHA384) {
    throw new Error('not signed with ECDSA and SHA-384');
  }
  const { publicKey } = x509;
  if (publicKey.asymmetricKeyDetails?.namedCurve !== P384) throw new Error('no key of P-384');
  const { validity, extensions = [] } = tbsCertificate;
  const constraints = extensionOf(extensions, id_ce_basicConstraints, BasicConstraints);
  const usage = extensionOf(extensions, id_ce_keyUsage, KeyUsage)?.toNumber() ?? 0;
  refuseUnknownCritical(extensions);
  return {
    der,
    x509,
    publicKey,
    notBefore: validity.notBefore.getTime().getTime(),
    notAfter: validity.notAfter.getTime().getTime(),
    isCa: constraints?.cA === true,
    pathLength: constraints?.pathLenConstraint,
    mayCertify: (usage & KeyUsageFlags.keyCertSign) !== 0,
    maySign: (usage & KeyUsageFlags.digitalSignature) !== 0,
    signed: Buffer.from(tbsCertificateRaw),
    signature: Buffer.from(signatureValue),
  };
}

/** At most one of each: RFC 5280, section 4.2. */
function extensionOf<T>(
  extensions: readonly Extension[],
  id: string,
  type: new () => T,
): T | undefined {
  const [found, second] = extensions.filter((extension) => extension.extnID === id);
  if (second !== undefined) throw new Error('an extension stands twice');
  return found === undefined ? undefined : AsnConvert.parse(found.extnValue.buffer, type);
}

function refuseUnknownCritical(extensions: readonly Extension[]): void {
  for (const { critical, extnID } of extensions) {
    if (critical && extnID !== id_ce_basicConstraints && extnID !== id_ce_keyUsage) {
      throw new Error('a critical extension is not known');
    }
  }
}

/** True when `issuer` has issued and signed `certificate`; names, key ids and signature agree. */
export async function isIssuedBy(certificate: Certificate, issuer: Certificate): Promise<boolean> {
  if (!certificate.x509.checkIssued(issuer.x509)) return false;
  const key = { key: issuer.publicKey, dsaEncoding: 'der' } as const;
  return verifyAsync('sha384', certificate.signed, key, certificate.signature);
}
