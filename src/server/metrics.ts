/**
 * What Prometheus scrapes. Names and labels are listed in docs/metrics.md.
 *
 * The hot path touches cached child series only: prom-client's label lookup costs more than the
 * rest of the bookkeeping.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
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

interface Series {
  readonly latency: Histogram.Internal<'operation'>;
  readonly codes: Map<string, Counter.Internal>;
}

export function createMetrics(sources: MetricSources): Metrics {
  const registers = [new Registry()];
  const register = registers[0]!;
  const requests = new Counter({
    name: 'keystrel_requests_total',
    help: 'Requests answered, by operation and outcome (OK or the error name).',
    labelNames: ['operation', 'code'],
    registers,
  });
  const latency = new Histogram({
    name: 'keystrel_request_seconds',
    help: 'Seconds from hand-over by the transport to the reply.',
    labelNames: ['operation'],
    buckets: BUCKETS,
    registers,
  });
  const refusals = new Counter({
    name: 'keystrel_transport_refusals_total',
    help: 'Requests that the transport refused by itself, by status.',
    labelNames: ['status'],
    registers,
  });
  registerSources(sources, registers);

  const series = new Map<string, Series>();
  for (const operation of ['', ...sources.operations]) {
    const child = latency.labels({ operation: operation === '' ? 'unknown' : operation });
    series.set(operation, { latency: child, codes: new Map() });
  }
  return {
    contentType: register.contentType,
    request(operation, code, seconds) {
      const known = series.get(operation) ?? series.get('')!;
      known.latency.observe(seconds);
      let counter = known.codes.get(code);
      if (counter === undefined) {
        counter = requests.labels({ operation: operation === '' ? 'unknown' : operation, code });
        known.codes.set(code, counter);
      }
      counter.inc();
    },
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
