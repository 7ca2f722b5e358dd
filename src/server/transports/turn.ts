/** Requests that become complete in one turn of the event loop, handed over together. */
import type { HttpRequest } from '../transport.js';

/**
 * Collects requests and hands them over from one setImmediate callback: it runs right after the
 * poll phase, so every socket that was readable has been read by then.
 */
export class Turn {
  #ready: HttpRequest[] = [];
  readonly #onRequest: (request: HttpRequest) => void;

  constructor(onRequest: (request: HttpRequest) => void) {
    this.#onRequest = onRequest;
  }

  add(request: HttpRequest): void {
    if (this.#ready.push(request) === 1) setImmediate(this.#handOver);
  }

  readonly #handOver = (): void => {
    const ready = this.#ready;
    this.#ready = [];
    for (const request of ready) {
      if (!request.aborted()) this.#onRequest(request);
    }
  };
}
