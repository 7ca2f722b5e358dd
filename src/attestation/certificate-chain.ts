/**
 * From the certificate that signed a document to a root that is trusted: path validation by
 * RFC 5280, section 6, in the form of aws-nitro-enclaves-nsm-api, docs/attestation_process.md,
 * section 3.2.3. No revocation lists: Nitro's signing certificates live for hours.
 *
 * A chain is the same for all documents of an enclave, so that good ones are remembered, by the
 * SHA-256 of all of their bytes; what is new costs a verification per certificate, from the root
 * down, and ends at the first that is not good.
 */
import { createHash, type KeyObject } from 'node:crypto';
import { type Certificate, isIssuedBy, readCertificate } from './certificate.js';
import { refusal } from './refusal.js';

/** Ours: chains remembered. */
const CHAINS_MAX = 1_024;

/** The signer of a document. */
export interface Signer {
  readonly publicKey: KeyObject;
  /** Of the signer's certificate, milliseconds since the Unix epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

interface Chain {
  readonly signer: Signer;
  /** When all certificates of the chain are valid. */
  readonly from: number;
  readonly to: number;
}

export class CertificateChains {
  readonly #roots: readonly Certificate[];
  /** Oldest first. */
  readonly #known = new Map<string, Chain>();

  constructor(roots: readonly Certificate[]) {
    this.#roots = roots;
  }

  /** Chains that are remembered; for tests. */
  get size(): number {
    return this.#known.size;
  }

  /**
   * The signer whose certificate is `certificate`, when `bundle` (root first) leads to it and all
   * are valid at `now` (milliseconds). @throws KmsError ValidationException
   */
  async verify(
    certificate: Uint8Array,
    bundle: readonly Uint8Array[],
    now: number,
  ): Promise<Signer> {
    const all = [...bundle, certificate];
    const name = nameOf(all);
    const chain = this.#known.get(name) ?? (await this.#validate(all, now));
    requireValid(chain.from, chain.to, now);
    this.#remember(name, chain);
    return chain.signer;
  }

  /**
   * Root first, signer last. Nothing of a certificate is read before the one above it was found
   * good, so that a made-up chain costs one verification.
   */
  async #validate(all: readonly Uint8Array[], now: number): Promise<Chain> {
    const root = this.#roots.find(({ der }) => der.equals(all[0]!));
    if (root === undefined) throw refusal('its chain begins with no trusted root');
    let { notBefore: from, notAfter: to } = root;
    requireValid(from, to, now);
    let last = root;
    for (let place = 1; place < all.length; place++) {
      requireAuthority(last, all.length - 1 - place);
      const next = readCertificate(all[place]!);
      requireValid(next.notBefore, next.notAfter, now);
      if (!(await isIssuedBy(next, last))) {
        throw refusal('a certificate was not issued by the one before it');
      }
      from = Math.max(from, next.notBefore);
      to = Math.min(to, next.notAfter);
      last = next;
    }
    requireSigner(last);
    const { publicKey, notBefore, notAfter } = last;
    return { signer: { publicKey, notBefore, notAfter }, from, to };
  }

  #remember(name: string, chain: Chain): void {
    if (this.#known.has(name)) return;
    if (this.#known.size >= CHAINS_MAX) {
      const oldest = this.#known.keys().next();
      if (oldest.done !== true) this.#known.delete(oldest.value);
    }
    this.#known.set(name, chain);
  }
}

/** Lengths too: the same bytes, cut elsewhere, are another chain. */
function nameOf(all: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const bytes of all) hash.update(`${bytes.length}:`).update(bytes);
  return hash.digest('base64');
}

function requireValid(from: number, to: number, now: number): void {
  if (now < from) throw refusal('a certificate of its chain is not valid yet');
  if (now > to) throw refusal('a certificate of its chain has expired');
}

/** `following`: the authorities between this one and the signer. */
function requireAuthority({ isCa, mayCertify, pathLength }: Certificate, following: number): void {
  if (isCa && mayCertify && (pathLength === undefined || following <= pathLength)) return;
  throw refusal('a certificate of its chain may not certify the next');
}

function requireSigner({ isCa, pathLength, maySign }: Certificate): void {
  if (!isCa && pathLength === undefined && maySign) return;
  throw refusal('its certificate is none for signing');
}
