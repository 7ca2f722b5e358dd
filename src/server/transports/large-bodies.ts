/**
 * A bound on the bodies that are longer than nearly all requests': policies and attestation
 * documents may be, and everyone who can connect may claim to send one. Small bodies are bounded by
 * the number of connections; of the others only so many bytes are taken at a time.
 */
import { LARGE_BODIES_BYTES_MAX, LARGE_BODY_BYTES } from '../../core/limits.js';

export class LargeBodies {
  /** By request: the length of its body. */
  readonly #lengths = new Map<object, number>();
  #bytes = 0;

  /** Bytes taken now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** False when there is no room for the body; `free` gives back what was taken. */
  take(request: object, length: number): boolean {
    if (length <= LARGE_BODY_BYTES) return true;
    if (this.#bytes > 0 && this.#bytes + length > LARGE_BODIES_BYTES_MAX) return false;
    this.#lengths.set(request, length);
    this.#bytes += length;
    return true;
  }

  /** The request has ended. Nothing happens for one that took nothing. */
  free(request: object): void {
    if (this.#bytes === 0) return;
    const length = this.#lengths.get(request);
    if (length === undefined) return;
    this.#lengths.delete(request);
    this.#bytes -= length;
  }
}
