/**
 * How fast this core is at the moment: its frequency, and whether somebody else uses a part of it.
 *
 * A virtual machine seldom has performance counters, and its TSC counts at a fixed rate, whatever
 * the core does. So cycles are not read but derived: a chain of N additions and exclusive ors, each
 * of which needs the result of the one before, takes N cycles on every x86-64 and ARM64 core since
 * 2008, since the latency of both is one cycle and an operand that is a variable leaves nothing to
 * fold. N over the shortest of several short runs is the frequency; the shortest, because what takes
 * time from a run (interrupts, the hypervisor) can only lengthen it. What this cannot see: a
 * frequency that changes within a round (it is measured before and after), and cycles that the
 * kernels themselves lost to the hypervisor, which count as theirs.
 *
 * The chain leaves most of the core idle, so a neighbour on the same core (SMT) does not slow it. The
 * throughput probe does the opposite: eight independent chains of vector multiplications keep both
 * multiply ports busy, as the kernels do, and run at half speed beside a neighbour that multiplies.
 *
 * Both are WebAssembly, compiled by V8's optimizing compiler alone, so that the loops are machine
 * code of known instructions without the checks that JavaScript's have.
 */
import { setFlagsFromString } from 'node:v8';
import { median } from '../harness.js';

const CHAIN_STEPS = 64;
const CHAIN_LOOPS = 10_000;
const THROUGHPUT_LOOPS = 6_000;
const CHAINS = 8;
const BURSTS = 9;

const I32 = 0x7f;
const F64 = 0x7c;
const V128 = 0x7b;
const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const repeat = (times: number, make: (i: number) => number[]) =>
  Array.from({ length: times }, (_, i) => make(i)).flat();

/** Unsigned LEB128. */
function leb(value: number): number[] {
  const low = value & 0x7f;
  return value > 0x7f ? [low | 0x80, ...leb(value >>> 7)] : [low];
}
const sized = (bytes: readonly number[]) => [...leb(bytes.length), ...bytes];
const section = (id: number, items: readonly number[][]) => [
  id,
  ...sized([...leb(items.length), ...items.flat()]),
];
const f64Const = (value: number) => [0x44, ...new Uint8Array(new Float64Array([value]).buffer)];

/** `body` as often as local 0 says. */
function loop(body: readonly number[]): number[] {
  const countDown = [...get(0), 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0]; // i32.sub, local.tee, br_if
  return [0x03, 0x40, ...body, ...countDown, 0x0b];
}

/** (loops, x, y) -> x after CHAIN_STEPS dependent steps in each loop. */
function chain(): number[] {
  const steps = repeat(CHAIN_STEPS / 2, () => [...get(2), 0x6a, ...get(2), 0x73]); // + y, ^ y
  return sized([0, ...loop([...get(1), ...steps, ...set(1)]), ...get(1), 0x0b]);
}

/** (loops) -> a number that depends on CHAINS * 8 vector multiplications in each loop. */
function throughput(): number[] {
  const splat = (value: number) => [...f64Const(value), 0xfd, 0x14];
  const factor = CHAINS + 1;
  const start = repeat(CHAINS, (i) => [...splat(1 + i), ...set(1 + i)]);
  const multiply = (local: number) => [...get(local), ...get(factor), 0xfd, 0xf2, 1, ...set(local)];
  const body = repeat(CHAINS * 8, (i) => multiply(1 + (i % CHAINS)));
  const sum = repeat(CHAINS - 1, (i) => [...get(2 + i), 0xfd, 0xf0, 1]);
  const end = [...get(1), ...sum, 0xfd, 0x21, 0, 0x0b];
  // The factor is so near to one that nothing becomes denormal.
  const code = [...start, ...splat(0.999_999_999), ...set(factor), ...loop(body), ...end];
  return sized([...leb(1), ...leb(CHAINS + 1), V128, ...code]);
}

/** What is used of the global; its types belong to the DOM library, which node code does without. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

interface Loops {
  chain(loops: number, x: number, y: number): number;
  throughput(loops: number): number;
}

function compile(): Loops {
  setFlagsFromString('--no-liftoff'); // The baseline compiler would move the chain through memory.
  const name = (text: string, kind: number, index: number) => [
    ...sized([...Buffer.from(text)]),
    kind,
    index,
  ];
  const types = [
    [0x60, ...sized([I32, I32, I32]), ...sized([I32])],
    [0x60, ...sized([I32]), ...sized([F64])],
  ];
  const bytes = new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, types),
    ...section(3, [[0], [1]]),
    ...section(7, [name('chain', 0, 0), name('throughput', 0, 1)]),
    ...section(10, [chain(), throughput()]),
  ]);
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Loops;
}

/** What one look at the core tells. */
export interface CoreState {
  /** Frequency, in cycles per µs. */
  readonly mhz: number;
  /** µs of the throughput probe: the median of several runs. */
  readonly throughputUs: number;
}

export class CoreProbe {
  readonly #loops = compile();
  /** µs of the throughput probe on the core at its best so far. */
  #bestUs = Number.POSITIVE_INFINITY;

  constructor() {
    for (let i = 0; i < 3; i += 1) this.look();
  }

  /** Takes about 5 ms. */
  look(): CoreState {
    const chains: number[] = [];
    const bursts: number[] = [];
    for (let i = 0; i < BURSTS; i += 1) {
      const start = performance.now();
      this.#loops.chain(CHAIN_LOOPS, i, 0x1234_5677);
      const middle = performance.now();
      this.#loops.throughput(THROUGHPUT_LOOPS);
      bursts.push((performance.now() - middle) * 1_000);
      chains.push((middle - start) * 1_000);
    }
    const throughputUs = median(bursts);
    this.#bestUs = Math.min(this.#bestUs, throughputUs);
    return { mhz: (CHAIN_LOOPS * CHAIN_STEPS) / Math.min(...chains), throughputUs };
  }

  /** True when a round between two looks had less of the core than the best that was seen. */
  isDisturbed(before: CoreState, after: CoreState, slowerMax: number): boolean {
    return Math.max(before.throughputUs, after.throughputUs) > this.#bestUs * slowerMax;
  }
}
