/**
 * Grant tokens: opaque text that names a grant and cannot be made up. Each is unlike every other
 * one, and all tokens of a grant are as good. A token says that its grant was made, not that it
 * still is there: a grant counts from the moment of its commit, with a token or without.
 *
 *   token = base64( version (1) | nonce (16) | grant id (32) | HMAC-SHA-256 (32) | place )
 *   place = account "/" Region "/" key id, ASCII
 *
 * The HMAC is over all else, in the same order.
 */
import { randomBytes } from 'node:crypto';
import { KmsError } from '../core/errors.js';
import { type DeploymentMac, MAC_BYTES } from './deployment-mac.js';

const VERSION = 1;
const NONCE_BYTES = 16;
const GRANT_ID_BYTES = 32;
const MAC_AT = 1 + NONCE_BYTES + GRANT_ID_BYTES;
const PLACE_AT = MAC_AT + MAC_BYTES;

/** Which grant a token is of. */
export interface GrantReference {
  readonly account: string;
  readonly region: string;
  readonly keyId: string;
  /** 64 hex digits. */
  readonly grantId: string;
}

function invalid(): KmsError {
  return new KmsError('InvalidGrantTokenException', 'The grant token is not valid.');
}

export class GrantTokens {
  readonly #mac: DeploymentMac;

  constructor(mac: DeploymentMac) {
    this.#mac = mac;
  }

  /** A new token of the grant. @throws KMSInternalException, ThrottlingException */
  async issue(grant: GrantReference): Promise<string> {
    const head = Buffer.concat([
      Buffer.of(VERSION),
      randomBytes(NONCE_BYTES),
      Buffer.from(grant.grantId, 'hex'),
    ]);
    const place = Buffer.from(`${grant.account}/${grant.region}/${grant.keyId}`);
    const mac = await this.#mac.mac(Buffer.concat([head, place]));
    return Buffer.concat([head, mac, place]).toString('base64');
  }

  /**
   * The grant that a token of this Region names, whether it still is there or not.
   * @throws InvalidGrantTokenException, KMSInternalException, ThrottlingException
   */
  async read(token: string, region: string): Promise<GrantReference> {
    const bytes = Buffer.from(token, 'base64');
    if (bytes.length <= PLACE_AT || bytes[0] !== VERSION) throw invalid();
    if (bytes.toString('base64') !== token) throw invalid();
    const place = bytes.subarray(PLACE_AT);
    const message = Buffer.concat([bytes.subarray(0, MAC_AT), place]);
    if (!(await this.#mac.verify(message, bytes.subarray(MAC_AT, PLACE_AT)))) throw invalid();
    const [account, where, keyId] = place.toString('latin1').split('/');
    if (where !== region) throw invalid();
    const grantId = bytes.toString('hex', 1 + NONCE_BYTES, MAC_AT);
    return { account: account!, region, keyId: keyId!, grantId };
  }
}
