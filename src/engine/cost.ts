/**
 * What jobs cost: a running estimate of nanoseconds per job, by lane and kind of operation. It
 * decides whether a frame is worth a hop to a worker, and how many jobs a frame takes.
 *
 * Estimates stand in cells, numbered by lane and kind; a job carries its cell's number, because this
 * is asked for every job.
 */
import type { LaneName } from '../specs/key-specs.js';
import { OP } from './frame-layout.js';

const KINDS = ['secret', 'private', 'public', 'make'] as const;
type Kind = (typeof KINDS)[number];

const kindOfOp = new Map<number, Kind>([
  [OP.SIGN, 'private'],
  [OP.RSA_DECRYPT, 'private'],
  [OP.ECDH, 'private'],
  // Beside making keys, in a lane where nothing else is of this kind.
  [OP.IMPORT_KEY, 'private'],
  [OP.DECAPSULATE, 'private'],
  [OP.VERIFY, 'public'],
  [OP.RSA_ENCRYPT, 'public'],
  [OP.ENCAPSULATE, 'public'],
  [OP.GENERATE_KEY, 'make'],
  [OP.GENERATE_KEY_PAIR, 'make'],
]);

/** First guesses, ns; the first frames correct them. */
const GUESS: Readonly<Record<LaneName, Readonly<Record<Kind, number>>>> = {
  symmetric: { secret: 500, private: 500, public: 500, make: 3_000 },
  rsa2048: { secret: 5_000, private: 500_000, public: 20_000, make: 5e7 },
  rsa3072: { secret: 5_000, private: 1_500_000, public: 40_000, make: 2e8 },
  rsa4096: { secret: 5_000, private: 3_500_000, public: 70_000, make: 5e8 },
  p256: { secret: 5_000, private: 40_000, public: 60_000, make: 50_000 },
  p384: { secret: 5_000, private: 300_000, public: 300_000, make: 300_000 },
  p521: { secret: 5_000, private: 600_000, public: 600_000, make: 600_000 },
  secp256k1: { secret: 5_000, private: 60_000, public: 60_000, make: 100_000 },
  ed25519: { secret: 5_000, private: 30_000, public: 70_000, make: 40_000 },
  sm2: { secret: 50_000, private: 150_000, public: 250_000, make: 150_000 },
  mldsa: { secret: 50_000, private: 300_000, public: 100_000, make: 150_000 },
  mlkem: { secret: 50_000, private: 50_000, public: 40_000, make: 100_000 },
  keygen: { secret: 5_000, private: 5e6, public: 5e7, make: 5e7 },
};

/** Weight of the newest frame in the running estimate. */
const WEIGHT = 0.2;
/** One frame changes no estimate by more than this: it may have waited for the CPU, not worked. */
const FACTOR_MAX = 4;

const lanes = Object.keys(GUESS) as LaneName[];
const firstCell = new Map(lanes.map((lane, i) => [lane, i * KINDS.length]));
const SYMMETRIC = firstCell.get('symmetric')!;
/** By operation number. */
const kindIndex = Array.from({ length: 64 }, (_, op) =>
  KINDS.indexOf(kindOfOp.get(op) ?? 'secret'),
);

/** The number of the cell that a job's cost stands in. */
export function costCell(lane: LaneName, op: number): number {
  // Nearly all jobs are of this lane; a map is asked for the others.
  const first = lane === 'symmetric' ? SYMMETRIC : firstCell.get(lane)!;
  return first + kindIndex[op]!;
}

interface Costed {
  readonly cell: number;
}

export class CostBook {
  readonly #ns = Float64Array.from(lanes.flatMap((lane) => KINDS.map((kind) => GUESS[lane][kind])));
  /** The number of the latest `note` that changed a cell. */
  readonly #noted = new Int32Array(this.#ns.length);
  #notes = 0;

  /** Estimated ns of one job. */
  of(job: Costed): number {
    return this.#ns[job.cell]!;
  }

  /** Estimated ns of the first `count` jobs together. */
  sum(jobs: readonly Costed[], count: number): number {
    let ns = 0;
    for (let i = 0; i < count; i += 1) ns += this.#ns[jobs[i]!.cell]!;
    return ns;
  }

  /** Estimated ns per job of a lane's usual kind of work, for status. */
  ofLane(lane: LaneName): number {
    const kind: Kind = lane === 'keygen' ? 'make' : lane === 'symmetric' ? 'secret' : 'private';
    return this.#ns[firstCell.get(lane)! + KINDS.indexOf(kind)]!;
  }

  /**
   * Notes that these jobs, run together, took `ns`: a frame of one kind tells the cost of that
   * kind; a mixed one scales each kind alike.
   */
  note(jobs: readonly Costed[], ns: number): void {
    const ratio = ns / this.sum(jobs, jobs.length);
    const factor = Math.min(FACTOR_MAX, Math.max(1 / FACTOR_MAX, ratio));
    this.#notes = (this.#notes + 1) & 0x3fff_ffff;
    for (let i = 0; i < jobs.length; i += 1) {
      const { cell } = jobs[i]!;
      if (this.#noted[cell] === this.#notes) continue;
      this.#noted[cell] = this.#notes;
      this.#ns[cell]! *= 1 + WEIGHT * (factor - 1);
    }
  }
}
