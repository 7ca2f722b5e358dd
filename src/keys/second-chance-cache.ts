/**
 * A bounded cache with the second-chance (clock) rule: an entry that was used since the last
 * sweep stays. A hit sets one flag, where a least-recently-used list would move the entry.
 */
export interface Cached {
  used: boolean;
}

export class SecondChanceCache<V extends Cached> {
  readonly #entries = new Map<string, V>();
  readonly #max: number;
  readonly #onEvict: (value: V, key: string) => void;

  /** `max` entries; `onEvict` is told those that had to go, not those deleted by name. */
  constructor(max: number, onEvict: (value: V, key: string) => void) {
    this.#max = max;
    this.#onEvict = onEvict;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) value.used = true;
    return value;
  }

  /** As `get`, without counting as a use. */
  peek(key: string): V | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: V): void {
    value.used = true;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#max) this.shrink(this.#max);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  values(): IterableIterator<V> {
    return this.#entries.values();
  }

  /** Evicts until `size` entries are left; unused ones first. */
  shrink(size: number): void {
    // A used entry is put behind the others and met again later in this same loop, unused.
    for (const [key, value] of this.#entries) {
      if (this.#entries.size <= size) return;
      this.#entries.delete(key);
      if (value.used) {
        value.used = false;
        this.#entries.set(key, value);
      } else {
        this.#onEvict(value, key);
      }
    }
  }
}
