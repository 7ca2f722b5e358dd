/**
 * What a deployment should hold, in memory: a few keys with all that belongs to them. Small on
 * purpose, and written from AWS's documentation, not from the product.
 */
import { COLUMNS, PAGE_ROWS } from '../keys/key-state-page.js';

export const DAY_MS = 86_400_000;

export type Spec = 'SYMMETRIC_DEFAULT' | 'HMAC_256' | 'ECC_NIST_P256';
export type State = 'Enabled' | 'Disabled' | 'PendingDeletion';

export const USAGE: Readonly<Record<Spec, string>> = {
  SYMMETRIC_DEFAULT: 'ENCRYPT_DECRYPT',
  HMAC_256: 'GENERATE_VERIFY_MAC',
  ECC_NIST_P256: 'SIGN_VERIFY',
};

export interface Blob {
  readonly ciphertext: string;
  readonly plaintext: string;
  readonly context: Readonly<Record<string, string>>;
  /** KeyMaterialId that it is under. */
  readonly materialId: string;
}

export class ModelKey {
  state: State = 'Enabled';
  gone = false;
  deletionAt: number | undefined;
  readonly tags = new Map<string, string>();
  /** By grant id: the name, or ''. */
  readonly grants = new Map<string, string>();
  policy: string | undefined;
  periodDays: number | undefined;
  nextRotationAt: number | undefined;
  /** Rotations made: A(utomatic) or O(n demand), in order. */
  rotations = '';
  readonly blobs: Blob[] = [];
  /** Signature or MAC over MESSAGE. */
  signed: string | undefined;
  used = false;

  constructor(
    readonly id: string,
    readonly arn: string,
    readonly spec: Spec,
    public description: string,
  ) {}
}

/** A key whose material is imported: one of two materials, of which the first ever binds it. */
export interface ImportedKey {
  readonly id: string;
  readonly arn: string;
  /** The material that it may have, once it had one. */
  bound: number | undefined;
  /** True while the material is there. */
  present: boolean;
  /** When it expires; undefined = never. */
  validTo: number | undefined;
  blob: string | undefined;
  /** What GetParametersForImport gave, and when. */
  parameters: { token: string; publicKey: Buffer; at: number } | undefined;
}

export interface RelatedKey {
  state: State | 'PendingReplicaDeletion';
  deletionAt: number | undefined;
  /** Days, while the primary waits for its last replica. */
  window: number;
}

/** A multi-Region key: its related keys by Region. */
export interface MultiRegionKey {
  readonly id: string;
  readonly related: Map<string, RelatedKey>;
  primary: string;
  readonly blobs: string[];
}

export class Model {
  readonly keys: ModelKey[] = [];
  multiRegion: MultiRegionKey | undefined;
  imported: ImportedKey | undefined;
  /** Alias names of this model's own to the index of their key. */
  readonly aliases = new Map<string, number>();
  now: number;

  constructor(
    /** Tells the aliases of this sequence from those of all others. */
    readonly tag: string,
    now: number,
    /** Imports cost an RSA key pair each: few sequences have them. */
    readonly imports: boolean,
  ) {
    this.now = now;
  }

  key(index: number): ModelKey {
    return this.keys[index % this.keys.length]!;
  }

  indexOf(key: ModelKey): number {
    return this.keys.indexOf(key);
  }

  /** Everything that time brings until the present moment. */
  passTime(ms: number): void {
    this.now += ms;
    const { imported } = this;
    if (imported?.present === true && imported.validTo !== undefined) {
      imported.present = imported.validTo > this.now;
    }
    this.#passTimeOfRelated();
    for (const key of this.keys) {
      if (key.gone) continue;
      if (key.state === 'PendingDeletion' && key.deletionAt! <= this.now) {
        key.gone = true;
        for (const [name, target] of this.aliases) {
          if (this.keys[target] === key) this.aliases.delete(name);
        }
        continue;
      }
      while (key.state === 'Enabled' && this.#overdue(key)) {
        key.rotations += 'A';
        key.nextRotationAt! += key.periodDays! * DAY_MS;
      }
    }
  }

  /** Replicas go first; the primary's own waiting begins when the last one is gone. */
  #passTimeOfRelated(): void {
    const multi = this.multiRegion;
    if (multi === undefined) return;
    for (const [region, key] of multi.related) {
      if (region === multi.primary || key.deletionAt === undefined) continue;
      if (key.deletionAt > this.now) continue;
      multi.related.delete(region);
    }
    const primary = multi.related.get(multi.primary)!;
    if (primary.state === 'PendingReplicaDeletion' && multi.related.size === 1) {
      primary.state = 'PendingDeletion';
      // The scheduler finds the replica gone now, not at its date.
      primary.deletionAt = this.now + primary.window * DAY_MS;
    } else if (primary.deletionAt !== undefined && primary.deletionAt <= this.now) {
      this.multiRegion = undefined;
    }
  }

  /** The key is Enabled from now on; an overdue rotation is made at once. */
  enable(key: ModelKey): void {
    key.state = 'Enabled';
    if (!this.#overdue(key)) return;
    key.rotations += 'A';
    key.nextRotationAt = this.now + key.periodDays! * DAY_MS;
  }

  #overdue(key: ModelKey): boolean {
    return key.nextRotationAt !== undefined && key.nextRotationAt <= this.now;
  }
}

const NOTES: Readonly<Record<string, string>> = {
  1: 'DisabledException',
  3: 'KMSInvalidStateException',
  4: 'KMSInvalidStateException',
  9: 'UnsupportedOperationException',
};

/** The error that the key's existence and state demand; undefined where the operation works. */
export function refusalOf(operation: string, key: ModelKey): string | undefined {
  if (key.gone) return 'NotFoundException';
  const cells = PAGE_ROWS.find((row) => row.operation === operation)!.cells;
  const cell = cells[COLUMNS.indexOf(key.state)]!;
  return cell === '-' || cell === '?7' ? undefined : NOTES[cell.replace('?', '')]!;
}

/** As refusalOf, for operations of one usage. */
export function refusalOfUse(operation: string, key: ModelKey, spec: Spec): string | undefined {
  const refusal = refusalOf(operation, key);
  if (refusal !== undefined) return refusal;
  return key.spec === spec ? undefined : 'InvalidKeyUsageException';
}
