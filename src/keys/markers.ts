/**
 * Markers of lists: opaque, authenticated, and bound to the list that gave them.
 *
 *   marker = base64url( HMAC-SHA-256 (32) | last item in UTF-8 )
 *
 * A marker holds the last item that was given, never a position: what is inserted or deleted while
 * a client pages neither repeats nor hides an item that is there all the time.
 */
import { KmsError } from '../core/errors.js';
import type { Page as StorePage } from '../store/port.js';
import { type DeploymentMac, MAC_BYTES } from './deployment-mac.js';
import { storeFailure } from './failures.js';
import type { Page } from './service.js';

function invalid(): KmsError {
  return new KmsError('InvalidMarkerException', 'The marker is not valid.');
}

export class Markers {
  readonly #mac: DeploymentMac;

  constructor(mac: DeploymentMac) {
    this.#mac = mac;
  }

  /**
   * One page of a list, and the way to the next. `list` says which list it is: the operation, and
   * account, Region and filters. `read` gives the items behind `after`, the first ones without.
   * @throws InvalidMarkerException, KMSInternalException
   *
   * @example
   * const list = ['ListKeys', account, region];
   * return markers.page(list, marker, (after) => store.listKeyIds(scope, limit, after), itemOf);
   */
  async page<R, T>(
    list: readonly string[],
    marker: string | undefined,
    read: (after: string | undefined) => StorePage<R> | Promise<StorePage<R>>,
    item: (row: R) => T,
  ): Promise<Page<T>> {
    const after = marker === undefined ? undefined : await this.decode(list, marker);
    try {
      const { items, next } = await read(after);
      return {
        items: items.map(item),
        nextMarker: next === undefined ? undefined : await this.encode(list, next),
      };
    } catch (error) {
      throw storeFailure(error);
    }
  }

  async encode(list: readonly string[], last: string): Promise<string> {
    const mac = await this.#mac.mac(message(list, last));
    return Buffer.concat([mac, Buffer.from(last)]).toString('base64url');
  }

  /** The last item that the marker stands for. @throws InvalidMarkerException */
  async decode(list: readonly string[], marker: string): Promise<string> {
    const bytes = Buffer.from(marker, 'base64url');
    if (bytes.length <= MAC_BYTES || bytes.toString('base64url') !== marker) throw invalid();
    const last = bytes.toString('utf8', MAC_BYTES);
    const known = await this.#mac.verify(message(list, last), bytes.subarray(0, MAC_BYTES));
    if (!known) throw invalid();
    return last;
  }
}

/** JSON keeps the parts apart whatever they hold. */
function message(list: readonly string[], last: string): Buffer {
  return Buffer.from(JSON.stringify([...list, last]));
}

/**
 * The `read` of a list that is at hand as a whole (a key's tags, policies, rotations): up to `limit`
 * items behind `after`. `key` names an item within its list; items are in ascending order of keys.
 */
export function pageOfWhole<T>(
  items: readonly T[],
  limit: number,
  after: string | undefined,
  key: (item: T) => string,
): StorePage<T> {
  const rest = after === undefined ? items : items.filter((item) => key(item) > after);
  const given = rest.slice(0, limit);
  const last = given.at(-1);
  return {
    items: given,
    next: rest.length > given.length && last !== undefined ? key(last) : undefined,
  };
}
