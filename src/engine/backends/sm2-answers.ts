/**
 * Known answers of SM2: the examples of GM/T 0003.5-2012 (annexes A and C) over its recommended curve;
 * a shared secret of OpenSSL. The private key is public: for tests alone.
 */
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

export const PKCS8 = hex(
  '308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420' +
    '3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8' +
    'a144034200' +
    '0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020' +
    'ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13',
);
export const MESSAGE = Buffer.from('message digest');
/** Of the signer (the default distinguishing id), the key and the message. */
export const DIGEST = hex('f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640');
export const SIGNATURE = hex(
  '3046' +
    '022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3' +
    '022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa',
);
export const PLAINTEXT = Buffer.from('encryption standard');
export const CIPHERTEXT = hex(
  '307c' +
    '022004ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73' +
    '022100e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0' +
    '042059983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766' +
    '041321886ca989ca9c7d58087307ca93092d651efa',
);
export const PEER = hex(
  '3059301306072a8648ce3d020106082a811ccf5501822d034200' +
    '046ae848c57c53c7b1b5fa99eb2286af078ba64c64591b8b566f7357d576f16dfb' +
    'ee489d771621a27b36c5c7992062e9cd09a9264386f3fbea54dff69305621c4d',
);
export const SHARED = hex('217fcd6b00e7c5b7b6daad9c8c188df0557af0c93801fa788c6be24fd94562a9');
