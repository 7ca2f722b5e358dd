/** Opens a CiphertextForRecipient as the enclave does: with node:crypto and an ASN.1 library. */
import { constants, createDecipheriv, type KeyObject, privateDecrypt } from 'node:crypto';
import { ContentInfo, EnvelopedData } from '@peculiar/asn1-cms';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';

const ENVELOPED_DATA = '1.2.840.113549.1.7.3';
const DATA = '1.2.840.113549.1.7.1';
const AES_256_CBC = '2.16.840.1.101.3.4.1.42';
const RSAES_OAEP = '1.2.840.113549.1.1.7';

/** What an envelope says besides its content. */
export interface Envelope {
  readonly content: Buffer;
  readonly keyId: Buffer;
}

/** @throws Error when the envelope is not as AWS's parsers want it */
export function openEnvelope(bytes: Uint8Array, privateKey: KeyObject): Envelope {
  const info = AsnConvert.parse(bytes, ContentInfo);
  require(info.contentType === ENVELOPED_DATA, 'content type');
  const { version, recipientInfos, encryptedContentInfo } = AsnConvert.parse(
    info.content,
    EnvelopedData,
  );
  require(version === 2 && recipientInfos.length === 1, 'version 2 and one recipient');
  const { ktri } = recipientInfos[0]!;
  require(ktri?.version === 2, 'a key transport recipient of version 2');
  require(ktri.keyEncryptionAlgorithm.algorithm === RSAES_OAEP, 'RSAES-OAEP');
  const { contentType, contentEncryptionAlgorithm, encryptedContent } = encryptedContentInfo;
  require(contentType === DATA, 'data inside');
  require(contentEncryptionAlgorithm.algorithm === AES_256_CBC, 'AES-256-CBC');
  const oaep = { key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
  const key = privateDecrypt(oaep, Buffer.from(ktri.encryptedKey.buffer));
  require(key.length === 32, 'a key of 32 bytes');
  const iv = AsnConvert.parse(contentEncryptionAlgorithm.parameters!, OctetString);
  const parts = encryptedContent!.constructedValue ?? [encryptedContent!.value!];
  const cipher = createDecipheriv('aes-256-cbc', key, Buffer.from(iv.buffer));
  const content = Buffer.concat([
    ...parts.map((part) => cipher.update(Buffer.from(part.buffer))),
    cipher.final(),
  ]);
  return { content, keyId: Buffer.from(ktri.rid.subjectKeyIdentifier!.buffer) };
}

function require(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`the envelope has not ${what}`);
}
