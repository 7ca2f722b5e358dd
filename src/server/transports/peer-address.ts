/** Peer addresses of the uWS transport: their text, and when they need not be asked for. */

/** Texts kept; past it the cache starts anew. */
const CACHED_MAX = 1_024;
const texts = new Map<number, string>();

/**
 * Text of an IPv4 (4 bytes) or IPv6 (16 bytes, RFC 5952 form) address; '' for any other length.
 * IPv4 texts are cached: a busy server sees few peers, and a string per request is not free.
 */
export function addressText(address: Uint8Array): string {
  if (address.length !== 4) return address.length === 16 ? ipv6Text(address) : '';
  const key = address[0]! * 0x1000000 + address[1]! * 0x10000 + address[2]! * 0x100 + address[3]!;
  let text = texts.get(key);
  if (text === undefined) {
    text = address.join('.');
    if (texts.size >= CACHED_MAX) texts.clear();
    texts.set(key, text);
  }
  return text;
}

/** The longest run of zero groups is written '::', and a mapped IPv4 address in its own form. */
function ipv6Text(address: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => address[2 * i]! * 256 + address[2 * i + 1]!);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return addressText(address.subarray(12));
  }
  let [start, length] = [0, 0];
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
  }
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** What uWS has on its response objects; each call is a getpeername system call. */
export interface Peer {
  getRemoteAddress(): ArrayBuffer;
}

/**
 * PeerAddresses tells the address of a request's connection. uWS keeps no state of ours with a
 * connection, so the address costs a system call and an ArrayBuffer per request, unless all open
 * connections are known to come from one peer (a load balancer, a host's own clients): every
 * address seen since no connection was open was the same one.
 */
export class PeerAddresses {
  #open = 0;
  /** The one address of all open connections; undefined when there are several. */
  #only: string | undefined = undefined;

  opened(peer: Peer): void {
    const text = addressText(new Uint8Array(peer.getRemoteAddress()));
    this.#only = this.#open === 0 || this.#only === text ? text : undefined;
    this.#open++;
  }

  closed(): void {
    this.#open--;
  }

  open(): number {
    return this.#open;
  }

  of(peer: Peer): string {
    return this.#only ?? addressText(new Uint8Array(peer.getRemoteAddress()));
  }
}
