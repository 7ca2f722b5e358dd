/**
 * What Prometheus scrapes. Names and labels are listed in docs/metrics.md.
 *
 * Requests are counted in plain numbers and handed to prom-client when it is scraped: its own
 * bookkeeping, even with cached child series, costs more than the rest of the pipeline's.
 */
import { Counter, Gauge, Histogram, type MetricType, Registry } from 'prom-client';
import type { RequestMetrics } from './pipeline.js';

/** One lane of the engine as it stands. */
export interface LaneSample {
  readonly lane: string;
  readonly queued: number;
  readonly inFlight: number;
  readonly nsPerJob: number;
  readonly frames: number;
  readonly jobs: number;
}

export interface MetricSources {
  /** AWS names of the operations: the only values of the label. */
  readonly operations: readonly string[];
  /** Regions that have series of their own; requests for any other are counted as `other`. */
  readonly regions: readonly string[];
  readonly lanes: () => readonly LaneSample[];
  readonly auditHealthy: () => boolean;
  readonly inFlight: () => number;
  readonly connections: () => number;
}

export interface Metrics extends RequestMetrics {
  /** A request that the transport refused by itself. */
  transportRefusal(status: number): void;
  /** Text in Prometheus' exposition format. */
  expose(): Promise<string>;
  readonly contentType: string;
}

/** Seconds. From a cached symmetric call (tens of microseconds) to an RSA key generation. */
const BUCKETS = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
const LATENCY = 'keystrel_request_seconds';
const LATENCY_HELP = 'Seconds from hand-over by the transport to the reply.';

/** What is counted of one operation in one Region. */
class Series {
  readonly operation: string;
  readonly region: string;
  ok = 0;
  readonly refused = new Map<string, number>();
  /** One more than BUCKETS: the last is +Inf. Not cumulative. */
  readonly buckets = new Float64Array(BUCKETS.length + 1);
  sum = 0;
  count = 0;

  constructor(operation: string, region: string) {
    this.operation = operation;
    this.region = region;
  }

  add(code: string, seconds: number): void {
    if (code === 'OK') this.ok++;
    else this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
    let bucket = 0;
    while (bucket < BUCKETS.length && seconds > BUCKETS[bucket]!) bucket++;
    this.buckets[bucket]!++;
    this.sum += seconds;
    this.count++;
  }
}

const OTHER_REGION = 'other';

/** All series: of every operation, in every Region. */
class SeriesTable {
  readonly #byRegion = new Map<string, Map<string, Series>>();
  readonly #other: Map<string, Series>;
  #lastRegion = '';
  #last: Map<string, Series>;

  constructor(operations: readonly string[], regions: readonly string[]) {
    for (const region of ['', OTHER_REGION, ...regions]) {
      const series = ['', ...operations].map(
        (name) => [name, new Series(name === '' ? 'unknown' : name, region)] as const,
      );
      this.#byRegion.set(region, new Map(series));
    }
    this.#other = this.#byRegion.get(OTHER_REGION)!;
    this.#last = this.#byRegion.get('')!;
  }

  find(operation: string, region: string): Series {
    if (region !== this.#lastRegion) {
      this.#lastRegion = region;
      this.#last = this.#byRegion.get(region) ?? this.#other;
    }
    return this.#last.get(operation) ?? this.#last.get('')!;
  }

  *[Symbol.iterator](): Generator<Series> {
    for (const series of this.#byRegion.values()) yield* series.values();
  }
}

/** A histogram whose values are made of the series when it is scraped. */
class LatencyHistogram extends Histogram<'operation' | 'region'> {
  readonly #series: Iterable<Series>;

  constructor(series: Iterable<Series>, registers: Registry[]) {
    super({
      name: LATENCY,
      help: LATENCY_HELP,
      labelNames: ['operation', 'region'],
      buckets: BUCKETS,
      registers,
    });
    this.#series = series;
  }

  override async get(): ReturnType<Histogram<'operation' | 'region'>['get']> {
    const values: Awaited<ReturnType<LatencyHistogram['get']>>['values'] = [];
    for (const { operation, region, buckets, sum, count } of this.#series) {
      if (count === 0) continue;
      let below = 0;
      for (const [i, number] of buckets.entries()) {
        below += number;
        const labels = { le: BUCKETS[i] ?? '+Inf', operation, region };
        values.push({ labels, value: below, metricName: `${LATENCY}_bucket` });
      }
      const labels = { operation, region };
      values.push({ labels, value: sum, metricName: `${LATENCY}_sum` });
      values.push({ labels, value: count, metricName: `${LATENCY}_count` });
    }
    // The enum exists in prom-client's types only.
    const type = 'histogram' as unknown as MetricType;
    const collect = (): void => undefined;
    return { name: LATENCY, help: LATENCY_HELP, type, aggregator: 'sum', values, collect };
  }

  /** What the registry calls for the text form; not among prom-client's types. */
  getForPromString(): ReturnType<LatencyHistogram['get']> {
    return this.get();
  }
}

export function createMetrics(sources: MetricSources): Metrics {
  const register = new Registry();
  const registers = [register];
  const series = new SeriesTable(sources.operations, sources.regions);
  new Counter({
    name: 'keystrel_requests_total',
    help: 'Requests answered, by operation, Region and outcome (OK or the error name).',
    labelNames: ['operation', 'region', 'code'],
    registers,
    collect() {
      this.reset();
      for (const { operation, region, ok, refused } of series) {
        if (ok > 0) this.inc({ operation, region, code: 'OK' }, ok);
        for (const [code, number] of refused) this.inc({ operation, region, code }, number);
      }
    },
  });
  new LatencyHistogram(series, registers);
  const refusals = new Counter({
    name: 'keystrel_transport_refusals_total',
    help: 'Requests that the transport refused by itself, by status.',
    labelNames: ['status'],
    registers,
  });
  registerSources(sources, registers);
  return {
    contentType: register.contentType,
    request: (operation, code, seconds, region) =>
      series.find(operation, region).add(code, seconds),
    transportRefusal: (status) => refusals.inc({ status: String(status) }),
    expose: () => register.metrics(),
  };
}

/** Gauges that are read when they are scraped. */
function registerSources(sources: MetricSources, registers: Registry[]): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  gauge('keystrel_requests_in_flight', 'Requests being answered.', sources.inFlight);
  gauge('keystrel_connections', 'Open client connections.', sources.connections);
  gauge('keystrel_audit_healthy', '1 while audit records can be written.', () =>
    sources.auditHealthy() ? 1 : 0,
  );
  gauge('keystrel_resident_bytes', 'Resident memory of the process.', () =>
    process.memoryUsage.rss(),
  );
  gauge('keystrel_cpu_seconds', 'CPU time of the process, user and system.', () => {
    const usage = process.cpuUsage();
    return (usage.user + usage.system) / 1e6;
  });
  const lane = (name: string, help: string, read: (sample: LaneSample) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['lane'],
      registers,
      collect() {
        for (const sample of sources.lanes()) this.set({ lane: sample.lane }, read(sample));
      },
    });
  };
  lane('keystrel_engine_queued', 'Jobs waiting in a lane.', (sample) => sample.queued);
  lane('keystrel_engine_in_flight', 'Jobs being run for a lane.', (sample) => sample.inFlight);
  lane('keystrel_engine_job_ns', 'Estimated nanoseconds per job.', (sample) => sample.nsPerJob);
  lane('keystrel_engine_frames', 'Frames run since the start.', (sample) => sample.frames);
  lane('keystrel_engine_jobs', 'Jobs run since the start.', (sample) => sample.jobs);
}
