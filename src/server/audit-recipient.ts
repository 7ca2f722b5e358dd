/**
 * additionalEventData.recipient, what CloudTrail shows of an attested request that succeeded.
 *
 * Names: AWS KMS Developer Guide, "Monitoring requests for Nitro enclaves" and "Monitoring requests
 * for NitroTPM". Values are base64, as CloudTrail has them; policies have the same in hex.
 */
import type { AttestationPlatform, AttestedRecipient } from '../attestation/port.js';

/** Registers that are shown, by their names. */
const SHOWN: Readonly<Record<AttestationPlatform, readonly (readonly [number, string])[]>> =
  Object.freeze({
    NitroEnclave: [
      [0, 'attestationDocumentEnclaveImageDigest'],
      ...[1, 2, 3, 4, 8].map((pcr) => [pcr, `attestationDocumentEnclavePCR${pcr}`] as const),
    ],
    NitroTPM: [4, 7, 8, 9, 16, 23].map(
      (pcr) => [pcr, `attestationDocumentNitroTPMPCR${pcr}`] as const,
    ),
  });

export function auditRecipient(recipient: AttestedRecipient): Readonly<Record<string, string>> {
  const { platform, moduleId, pcrs } = recipient;
  const shown: Record<string, string> = { attestationDocumentModuleId: moduleId };
  for (const [pcr, name] of SHOWN[platform]) {
    const value = pcrs.get(pcr);
    if (value !== undefined) shown[name] = Buffer.from(value, 'hex').toString('base64');
  }
  return shown;
}
