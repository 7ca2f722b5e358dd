/**
 * TLS of both transports: 1.2 and 1.3 only, forward secrecy and AEAD only.
 *
 * TLS 1.3 has no other suites; the list is for 1.2 (OpenSSL names), in the order of preference of
 * RFC 9325 section 4.2 with the ChaCha20 suites of RFC 7905.
 */
export const TLS_VERSION_MIN = 'TLSv1.2';

export const TLS12_CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');
