/** Reads the four forms in which a request names a key. AWS KMS API reference, "KeyId". */
import type { Caller } from '../auth/port.js';
import { KmsError } from '../core/errors.js';
import { aliasArn, isKeyId, keyArn, parseKmsArn, partitionOf } from '../core/ids.js';

const ALIAS_PREFIX = 'alias/';
const KEY_PREFIX = 'key/';

export type KeyIdentifier =
  | {
      readonly kind: 'key';
      readonly keyId: string;
      /** The account that the ARN names, when it is another than the caller's. */
      readonly foreignAccount?: string;
    }
  | { readonly kind: 'alias'; readonly name: string };

/** A key that is named as absent, by its ARN in the caller's account and Region. */
export function keyNotFound(caller: Pick<Caller, 'account' | 'region'>, keyId: string): KmsError {
  const arn = keyArn(caller.region, caller.account, keyId);
  return new KmsError('NotFoundException', `Key '${arn}' does not exist`);
}

export function aliasNotFound(caller: Caller, name: string): KmsError {
  const arn = aliasArn(caller.region, caller.account, name);
  return new KmsError('NotFoundException', `Alias ${arn} is not found.`);
}

function invalidKeyId(text: string): KmsError {
  return new KmsError('NotFoundException', `Invalid keyId '${text}'`);
}

/** Keys of other accounts answer the same whether they exist or not. `permission`: 'kms:Encrypt'. */
export function accessDenied(caller: Caller, permission: string, resource: string): KmsError {
  return new KmsError(
    'AccessDeniedException',
    `User: ${caller.arn} is not authorized to perform: ${permission} on resource: ${resource} ` +
      `because no resource-based policy allows the ${permission} action`,
  );
}

/** The answer for a ciphertext whose key the caller cannot use, for whatever reason. */
export function ciphertextDenied(caller: Caller, permission: string): KmsError {
  return new KmsError(
    'AccessDeniedException',
    `User: ${caller.arn} is not authorized to perform: ${permission} on the resource associated ` +
      'with this ciphertext because the resource does not exist in this Region, no ' +
      'resource-based policies allow access, or a resource-based policy explicitly denies access',
  );
}

/**
 * Reads `text` as a key of the caller's account and Region.
 * @throws NotFoundException for other Regions, malformed ids, and aliases where none may stand;
 *   InvalidArnException for ARNs that name no key; AccessDeniedException for other accounts
 */
export function parseKeyIdentifier(
  caller: Caller,
  text: string,
  aliases: boolean,
  permission: string,
): KeyIdentifier {
  const resource = text.startsWith('arn:') ? ownResource(caller, text, permission) : text;
  if (resource.startsWith(ALIAS_PREFIX)) {
    if (!aliases) throw invalidKeyId(text);
    return { kind: 'alias', name: resource };
  }
  if (!isKeyId(resource)) throw invalidKeyId(text);
  return { kind: 'key', keyId: resource };
}

/**
 * As parseKeyIdentifier, of keys alone; one of another account is told as such, for requests that
 * something else than the key's policy decides.
 */
export function parseAnyKey(caller: Caller, text: string, permission: string): KeyIdentifier {
  const arn = text.startsWith('arn:') ? parseKmsArn(text) : undefined;
  if (arn === undefined || arn.account === caller.account) {
    return parseKeyIdentifier(caller, text, false, permission);
  }
  const asOwner = { ...caller, account: arn.account };
  const identifier = parseKeyIdentifier(asOwner, text, false, permission);
  return identifier.kind === 'key' ? { ...identifier, foreignAccount: arn.account } : identifier;
}

/** What an ARN of the caller's account and Region names: a bare key id or an alias name. */
function ownResource(caller: Caller, text: string, permission: string): string {
  const arn = parseKmsArn(text);
  if (arn === undefined || arn.partition !== partitionOf(caller.region)) {
    throw new KmsError('InvalidArnException', `Invalid arn ${text}`);
  }
  const isKey = arn.resource.startsWith(KEY_PREFIX);
  if (!isKey && !arn.resource.startsWith(ALIAS_PREFIX)) {
    throw new KmsError('InvalidArnException', `Invalid arn ${text}`);
  }
  if (arn.region !== caller.region) {
    throw new KmsError('NotFoundException', `Invalid arn ${arn.region}`);
  }
  if (arn.account !== caller.account) throw accessDenied(caller, permission, text);
  return isKey ? arn.resource.slice(KEY_PREFIX.length) : arn.resource;
}
