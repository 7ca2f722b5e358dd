/**
 * The last use of each key. AWS KMS API reference, GetKeyLastUsage: of the operations below,
 * successful ones only.
 *
 * A request leaves a note in memory and no more: it writes over the members of the note that its key
 * has already. A scheduler writes the notes to the store in groups, and so does the end of the
 * process; a process that dies loses those of the last round.
 */
import type { StoredKeyUse } from '../core/records.js';
import type { Store } from '../store/port.js';
import { storeFailure } from './failures.js';
import type { Key } from './key.js';
import { resolved, type UseNote } from './resolved-key.js';

/** Shape KeyLastUsageTrackingOperation. */
export const TRACKED_OPERATIONS: ReadonlySet<string> = new Set([
  'Decapsulate',
  'Decrypt',
  'DeriveSharedSecret',
  'Encapsulate',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
  'GenerateDataKeyWithoutPlaintext',
  'GenerateMac',
  'ReEncrypt',
  'Sign',
  'Verify',
  'VerifyMac',
]);

/** Ours: notes that wait for the next round; the oldest are dropped beyond it. */
const NOTES_MAX = 50_000;
/** Ours: notes of one mutation. */
const GROUP = 500;
/** The version of the schema since which uses are kept. */
const SCHEMA_VERSION = 2;

/** What a use is known by, besides its key. */
export type Use = Pick<StoredKeyUse, 'operation' | 'usedAt' | 'requestId' | 'eventId'>;

export interface KeyLastUsage {
  /** Undefined: never used since `trackedSince`. */
  readonly use: StoredKeyUse | undefined;
  /** The later of the key's creation and of the beginning of tracking, milliseconds. */
  readonly trackedSince: number;
}

export class LastUsage {
  readonly #store: Store;
  readonly #notesMax: number;
  /** By ARN: notes that wait. */
  #waiting = new Map<string, UseNote>();
  /** By ARN: what is being written now. */
  #writing: ReadonlyMap<string, StoredKeyUse> = new Map();
  #flushing: Promise<number> | undefined;
  #trackedSince: number | undefined;

  constructor(store: Store, notesMax = NOTES_MAX) {
    this.#store = store;
    this.#notesMax = notesMax;
  }

  /** On the hot path: allocates only for the first use of a key since it was cached. */
  note(key: Key, operation: string, usedAt: number, requestId: string, eventId: string): void {
    const { link } = resolved(key);
    let note = link.use;
    if (note === undefined) {
      note = this.#waiting.get(key.arn) ?? emptyNote(key);
      link.use = note;
    }
    note.operation = operation;
    note.usedAt = usedAt;
    note.requestId = requestId;
    note.eventId = eventId;
    if (!note.waiting) this.#wait(key.arn, note);
  }

  /** @throws KMSInternalException */
  async of(key: Key): Promise<KeyLastUsage> {
    const { account, region, keyId, createdAt } = key.record;
    const noted = this.#waiting.get(key.arn) ?? this.#writing.get(key.arn);
    try {
      const stored = await this.#store.getKeyUse({ account, region }, keyId);
      this.#trackedSince ??= (await this.#store.migratedAt(SCHEMA_VERSION)) ?? 0;
      const newest = noted !== undefined && noted.usedAt >= (stored?.usedAt ?? 0) ? noted : stored;
      return { use: newest, trackedSince: Math.max(createdAt, this.#trackedSince) };
    } catch (error) {
      throw storeFailure(error);
    }
  }

  /** Writes what waits; gives how many. What could not be written waits for the next time. */
  async flush(): Promise<number> {
    while (this.#flushing !== undefined) await this.#flushing.catch(() => undefined);
    this.#flushing = this.#flush();
    try {
      return await this.#flushing;
    } finally {
      this.#flushing = undefined;
    }
  }

  async #flush(): Promise<number> {
    const uses = new Map<string, StoredKeyUse>();
    for (const [arn, note] of this.#waiting) {
      const { waiting: _, ...use } = note;
      note.waiting = false;
      uses.set(arn, use);
    }
    this.#waiting.clear();
    this.#writing = uses;
    const all = [...uses.entries()];
    let written = 0;
    try {
      for (; written < all.length; written += GROUP) {
        const group = all.slice(written, written + GROUP);
        await this.#store.recordKeyUses(group.map(([, use]) => use));
      }
      return all.length;
    } catch (error) {
      for (const [arn, use] of all.slice(written)) {
        if (!this.#waiting.has(arn)) this.#wait(arn, { ...use, waiting: false });
      }
      throw storeFailure(error);
    } finally {
      this.#writing = new Map();
    }
  }

  #wait(arn: string, note: UseNote): void {
    // A key that was cached anew has a new note: the old one is no longer told of.
    const other = this.#waiting.get(arn);
    if (other !== undefined) other.waiting = false;
    if (this.#waiting.size >= this.#notesMax) {
      for (const [oldest, dropped] of this.#waiting) {
        dropped.waiting = false;
        this.#waiting.delete(oldest);
        break;
      }
    }
    note.waiting = true;
    this.#waiting.set(arn, note);
  }
}

function emptyNote(key: Key): UseNote {
  const { account, region, keyId } = key.record;
  const use = { operation: '', usedAt: 0, requestId: '', eventId: '' };
  return { account, region, keyId, ...use, waiting: false };
}
