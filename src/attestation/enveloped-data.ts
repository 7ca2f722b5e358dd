/**
 * CiphertextForRecipient: CMS EnvelopedData (RFC 5652, section 6) for one RSA key, by RSAES-OAEP
 * with SHA-256 (RFC 8017), content under AES-256-CBC.
 *
 * AWS KMS writes five of its elements in BER with indefinite lengths, and the parser of AWS's
 * Nitro Enclaves SDK for C reads nothing else there; the rest is DER:
 *
 *   SEQUENCE *            ContentInfo
 *     OID                 id-envelopedData
 *     [0] *
 *       SEQUENCE *        EnvelopedData
 *         INTEGER         2
 *         SET             one KeyTransRecipientInfo, the key by subjectKeyIdentifier
 *         SEQUENCE *      EncryptedContentInfo
 *           OID           id-data
 *           SEQUENCE      AES-256-CBC with its IV
 *           [0] *
 *             OCTET STRING
 *
 * `*`: indefinite length, ended by two zero bytes.
 */
import { constants, createCipheriv, publicEncrypt, randomBytes } from 'node:crypto';
import {
  CMSVersion,
  ContentEncryptionAlgorithmIdentifier,
  id_data,
  id_envelopedData,
  KeyEncryptionAlgorithmIdentifier,
  KeyTransRecipientInfo,
  RecipientIdentifier,
  RecipientInfo,
  RecipientInfos,
} from '@peculiar/asn1-cms';
import { AsnConvert, AsnObjectIdentifierConverter, OctetString } from '@peculiar/asn1-schema';
import { SubjectKeyIdentifier } from '@peculiar/asn1-x509';
import type { RecipientKey } from './recipient-key.js';

const KEY_BYTES = 32;
const IV_BYTES = 16;
const AES_256_CBC = '2.16.840.1.101.3.4.1.42';
const RSAES_OAEP = '1.2.840.113549.1.1.7';
/** RSAES-OAEP-params: hash SHA-256, MGF1 with SHA-256, no label (RFC 4055, section 4.1). */
const OAEP_SHA256 = Buffer.from(
  '302fa00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500',
  'hex',
);
const INDEFINITE_SEQUENCE = Buffer.from([0x30, 0x80]);
const INDEFINITE_CONTEXT_0 = Buffer.from([0xa0, 0x80]);
const END = Buffer.from([0, 0]);
const VERSION_2 = Buffer.from([0x02, 0x01, 0x02]);

/** Elements of DER that are the same in every envelope. */
const ID_ENVELOPED_DATA = objectIdentifier(id_envelopedData);
const ID_DATA = objectIdentifier(id_data);
const OAEP = new KeyEncryptionAlgorithmIdentifier({
  algorithm: RSAES_OAEP,
  parameters: exact(OAEP_SHA256),
});

/**
 * `plaintext` for the holder of the recipient's private key, under a key and an IV of its own.
 * The caller wipes `plaintext`.
 */
export function envelopedData({ key, id }: RecipientKey, plaintext: Uint8Array): Buffer {
  const contentKey = randomBytes(KEY_BYTES);
  try {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-cbc', contentKey, iv);
    const content = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    const encryptedKey = publicEncrypt({ key, padding, oaepHash: 'sha256' }, contentKey);
    const recipients = AsnConvert.serialize(new RecipientInfos([recipientInfo(id, encryptedKey)]));
    return Buffer.concat([
      ...[INDEFINITE_SEQUENCE, ID_ENVELOPED_DATA, INDEFINITE_CONTEXT_0, INDEFINITE_SEQUENCE],
      ...[VERSION_2, Buffer.from(recipients)],
      ...[INDEFINITE_SEQUENCE, ID_DATA, contentAlgorithm(iv)],
      ...[INDEFINITE_CONTEXT_0, octetString(content), END],
      ...[END, END, END, END],
    ]);
  } finally {
    contentKey.fill(0);
  }
}

function recipientInfo(id: Buffer, encryptedKey: Buffer): RecipientInfo {
  const ktri = new KeyTransRecipientInfo({
    version: CMSVersion.v2,
    rid: new RecipientIdentifier({ subjectKeyIdentifier: new SubjectKeyIdentifier(exact(id)) }),
    keyEncryptionAlgorithm: OAEP,
    encryptedKey: new OctetString(encryptedKey),
  });
  return new RecipientInfo({ ktri });
}

function contentAlgorithm(iv: Buffer): Buffer {
  const parameters = exact(octetString(iv));
  const algorithm = AES_256_CBC;
  return Buffer.from(
    AsnConvert.serialize(new ContentEncryptionAlgorithmIdentifier({ algorithm, parameters })),
  );
}

function octetString(bytes: Buffer): Buffer {
  return Buffer.from(AsnConvert.serialize(new OctetString(bytes)));
}

function objectIdentifier(id: string): Buffer {
  return Buffer.from(AsnObjectIdentifierConverter.toASN(id).toBER());
}

/** The bytes alone: Buffers of node share their memory with others. */
function exact(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
