/** Every operation of Keystrel, listed by hand: what is not here does not exist. */
import { createAlias } from './aliases/create-alias.js';
import { deleteAlias } from './aliases/delete-alias.js';
import { listAliases } from './aliases/list-aliases.js';
import { updateAlias } from './aliases/update-alias.js';
import { API_OPERATIONS } from './api-operations.js';
import { decapsulate } from './crypto/decapsulate.js';
import { decrypt } from './crypto/decrypt.js';
import { deriveSharedSecret } from './crypto/derive-shared-secret.js';
import { encapsulate } from './crypto/encapsulate.js';
import { encrypt } from './crypto/encrypt.js';
import { generateDataKey } from './crypto/generate-data-key.js';
import { generateDataKeyPair } from './crypto/generate-data-key-pair.js';
import { generateDataKeyPairWithoutPlaintext } from './crypto/generate-data-key-pair-without-plaintext.js';
import { generateDataKeyWithoutPlaintext } from './crypto/generate-data-key-without-plaintext.js';
import { generateMac } from './crypto/generate-mac.js';
import { generateRandom } from './crypto/generate-random.js';
import { reEncrypt } from './crypto/re-encrypt.js';
import { sign } from './crypto/sign.js';
import { verify } from './crypto/verify.js';
import { verifyMac } from './crypto/verify-mac.js';
import { connectCustomKeyStore } from './custom-key-stores/connect-custom-key-store.js';
import { createCustomKeyStore } from './custom-key-stores/create-custom-key-store.js';
import { deleteCustomKeyStore } from './custom-key-stores/delete-custom-key-store.js';
import { describeCustomKeyStores } from './custom-key-stores/describe-custom-key-stores.js';
import { disconnectCustomKeyStore } from './custom-key-stores/disconnect-custom-key-store.js';
import { updateCustomKeyStore } from './custom-key-stores/update-custom-key-store.js';
import { createGrant } from './grants/create-grant.js';
import { listGrants } from './grants/list-grants.js';
import { listRetirableGrants } from './grants/list-retirable-grants.js';
import { retireGrant } from './grants/retire-grant.js';
import { revokeGrant } from './grants/revoke-grant.js';
import { deleteImportedKeyMaterial } from './import/delete-imported-key-material.js';
import { getParametersForImport } from './import/get-parameters-for-import.js';
import { importKeyMaterial } from './import/import-key-material.js';
import { cancelKeyDeletion } from './keys/cancel-key-deletion.js';
import { createKey } from './keys/create-key.js';
import { describeKey } from './keys/describe-key.js';
import { disableKey } from './keys/disable-key.js';
import { enableKey } from './keys/enable-key.js';
import { getKeyLastUsage } from './keys/get-key-last-usage.js';
import { getPublicKey } from './keys/get-public-key.js';
import { listKeys } from './keys/list-keys.js';
import { scheduleKeyDeletion } from './keys/schedule-key-deletion.js';
import { updateKeyDescription } from './keys/update-key-description.js';
import { replicateKey } from './multi-region/replicate-key.js';
import { updatePrimaryRegion } from './multi-region/update-primary-region.js';
import { getKeyPolicy } from './policies/get-key-policy.js';
import { listKeyPolicies } from './policies/list-key-policies.js';
import { putKeyPolicy } from './policies/put-key-policy.js';
import type { Operation } from './port.js';
import { disableKeyRotation } from './rotation/disable-key-rotation.js';
import { enableKeyRotation } from './rotation/enable-key-rotation.js';
import { getKeyRotationStatus } from './rotation/get-key-rotation-status.js';
import { listKeyRotations } from './rotation/list-key-rotations.js';
import { rotateKeyOnDemand } from './rotation/rotate-key-on-demand.js';
import { listResourceTags } from './tags/list-resource-tags.js';
import { tagResource } from './tags/tag-resource.js';
import { untagResource } from './tags/untag-resource.js';

/** The operations offered, in the order of the API reference's families. */
export const OPERATIONS: readonly Operation[] = Object.freeze([
  createKey,
  describeKey,
  listKeys,
  updateKeyDescription,
  enableKey,
  disableKey,
  scheduleKeyDeletion,
  cancelKeyDeletion,
  getPublicKey,
  getKeyLastUsage,
  enableKeyRotation,
  disableKeyRotation,
  getKeyRotationStatus,
  rotateKeyOnDemand,
  listKeyRotations,
  getParametersForImport,
  importKeyMaterial,
  deleteImportedKeyMaterial,
  replicateKey,
  updatePrimaryRegion,
  createAlias,
  updateAlias,
  deleteAlias,
  listAliases,
  getKeyPolicy,
  putKeyPolicy,
  listKeyPolicies,
  createGrant,
  listGrants,
  listRetirableGrants,
  retireGrant,
  revokeGrant,
  tagResource,
  untagResource,
  listResourceTags,
  createCustomKeyStore,
  describeCustomKeyStores,
  connectCustomKeyStore,
  disconnectCustomKeyStore,
  updateCustomKeyStore,
  deleteCustomKeyStore,
  encrypt,
  decrypt,
  reEncrypt,
  generateDataKey,
  generateDataKeyWithoutPlaintext,
  generateDataKeyPair,
  generateDataKeyPairWithoutPlaintext,
  generateRandom,
  sign,
  verify,
  generateMac,
  verifyMac,
  deriveSharedSecret,
  encapsulate,
  decapsulate,
] as readonly Operation[]);

const offered: ReadonlySet<string> = new Set(OPERATIONS.map(({ name }) => name));

/** TrentService operations that AWS has and Keystrel does not: UnsupportedOperationException. */
export const UNSUPPORTED_OPERATIONS: readonly string[] = Object.freeze(
  API_OPERATIONS.filter((name) => !offered.has(name)),
);
