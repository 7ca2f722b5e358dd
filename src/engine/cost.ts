/**
 * What jobs cost: a running estimate of nanoseconds per job, by lane and kind of operation. It
 * decides whether a frame is worth a hop to a worker, and how many jobs a frame takes.
 */
import type { LaneName } from '../specs/key-specs.js';
import { OP } from './frame-layout.js';
import type { Job } from './job.js';

type Kind = 'secret' | 'private' | 'public' | 'make';

const kinds = new Map<number, Kind>([
  [OP.SIGN, 'private'],
  [OP.RSA_DECRYPT, 'private'],
  [OP.ECDH, 'private'],
  [OP.VERIFY, 'public'],
  [OP.RSA_ENCRYPT, 'public'],
  [OP.GENERATE_KEY, 'make'],
  [OP.GENERATE_KEY_PAIR, 'make'],
]);

/** First guesses, ns; the first frames correct them. */
const GUESS: Readonly<Record<LaneName, Readonly<Record<Kind, number>>>> = {
  symmetric: { secret: 1_000, private: 1_000, public: 1_000, make: 3_000 },
  rsa2048: { secret: 5_000, private: 500_000, public: 20_000, make: 5e7 },
  rsa3072: { secret: 5_000, private: 1_500_000, public: 40_000, make: 2e8 },
  rsa4096: { secret: 5_000, private: 3_500_000, public: 70_000, make: 5e8 },
  p256: { secret: 5_000, private: 40_000, public: 60_000, make: 50_000 },
  p384: { secret: 5_000, private: 300_000, public: 300_000, make: 300_000 },
  p521: { secret: 5_000, private: 600_000, public: 600_000, make: 600_000 },
  secp256k1: { secret: 5_000, private: 60_000, public: 60_000, make: 100_000 },
  keygen: { secret: 5_000, private: 5e7, public: 5e7, make: 5e7 },
};

/** Weight of the newest frame in the running estimate. */
const WEIGHT = 0.2;

export class CostBook {
  readonly #ns = new Map<string, number>();

  #key(job: Job): string {
    return `${job.lane} ${kinds.get(job.op) ?? 'secret'}`;
  }

  /** Estimated ns of one job. */
  of(job: Job): number {
    return this.#ns.get(this.#key(job)) ?? GUESS[job.lane][kinds.get(job.op) ?? 'secret'];
  }

  /** Estimated ns per job of a lane's latest kind of work, for status. */
  ofLane(lane: LaneName): number {
    const kind = lane === 'keygen' ? 'make' : lane === 'symmetric' ? 'secret' : 'private';
    return this.#ns.get(`${lane} ${kind}`) ?? GUESS[lane][kind];
  }

  /** Notes that these jobs, run together, took `ns`. */
  note(jobs: readonly Job[], ns: number): void {
    let estimated = 0;
    for (const job of jobs) estimated += this.of(job);
    const factor = ns / estimated;
    const first = jobs[0]!;
    // A frame of one kind tells the cost of that kind; a mixed one scales each kind alike.
    for (const job of jobs) {
      if (job !== first && this.#key(job) === this.#key(first)) continue;
      const old = this.of(job);
      this.#ns.set(this.#key(job), old + WEIGHT * (old * factor - old));
    }
  }
}
