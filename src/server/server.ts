/** The server: the pipeline behind a transport, the admin listener, and the order of their ends. */
import { setTimeout } from 'node:timers/promises';
import type { AuditSink } from '../audit/port.js';
import { SHUTDOWN_GRACE_MS } from '../core/limits.js';
import { type AdminListener, createAdminListener } from './admin.js';
import { Health, type HealthCheck } from './health.js';
import { createMetrics, type LaneSample, type Metrics } from './metrics.js';
import { createPipeline, type Pipeline, type PipelineParts } from './pipeline.js';
import type { Transport, TransportOptions } from './transport.js';

const DRAIN_POLL_MS = 5;

export interface ServerParts extends Omit<PipelineParts, 'metrics'> {
  /** The adapter, e.g. createUwsTransport: only the composition root names one. */
  readonly createTransport: (options: TransportOptions) => Transport;
  readonly listen: Pick<TransportOptions, 'host' | 'port' | 'tls' | 'limits'>;
  /** Undefined: no admin listener. */
  readonly adminListen?: { readonly host: string; readonly port: number } | undefined;
  /** The engine's lanes, for the metrics. */
  readonly lanes: () => readonly LaneSample[];
  /** Regions that requests are counted by. */
  readonly regions: readonly string[];
  /** Conditions of health besides the audit, by name. */
  readonly checks?: Readonly<Record<string, HealthCheck>>;
  readonly graceMs?: number;
}

export interface Addresses {
  readonly port: number;
  readonly adminPort: number | undefined;
}

export interface Server {
  readonly health: Health;
  readonly metrics: Metrics;
  readonly pipeline: Pipeline;
  /** Binds both listeners; requests are answered when it resolves. */
  start(): Promise<Addresses>;
  /**
   * Stops accepting, finishes what is in flight within the grace period, flushes and closes the
   * audit. Safe to call twice.
   */
  drain(): Promise<void>;
}

export function createServer(parts: ServerParts): Server {
  return new KmsServer(parts);
}

class KmsServer implements Server {
  readonly health: Health;
  readonly metrics: Metrics;
  readonly pipeline: Pipeline;
  readonly #audit: AuditSink;
  readonly #transport: Transport;
  readonly #admin: AdminListener | undefined;
  readonly #graceMs: number;
  #drained: Promise<void> | undefined;

  constructor(parts: ServerParts) {
    this.#audit = parts.audit;
    this.#graceMs = parts.graceMs ?? SHUTDOWN_GRACE_MS;
    this.health = new Health({ audit: () => parts.audit.healthy(), ...parts.checks });
    this.metrics = createMetrics({
      operations: parts.operations.map((operation) => operation.name),
      regions: parts.regions,
      lanes: parts.lanes,
      auditHealthy: () => parts.audit.healthy(),
      inFlight: () => this.pipeline.inFlight(),
      connections: () => this.#transport.connections(),
    });
    this.pipeline = createPipeline({ ...parts, metrics: this.metrics });
    this.#transport = parts.createTransport({
      ...parts.listen,
      onRequest: this.pipeline.onRequest,
      onRefused: (status) => this.metrics.transportRefusal(status),
    });
    this.#admin =
      parts.adminListen === undefined
        ? undefined
        : createAdminListener({
            ...parts.adminListen,
            health: this.health,
            metrics: this.metrics,
          });
  }

  async start(): Promise<Addresses> {
    // The admin listener first: while the rest starts, probes are told so.
    const adminPort = await this.#admin?.listen();
    try {
      const port = await this.#transport.listen();
      this.health.enter('ready');
      return { port, adminPort };
    } catch (error) {
      await this.#admin?.close();
      throw error;
    }
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  async #drain(): Promise<void> {
    this.health.enter('draining');
    const deadline = performance.now() + this.#graceMs;
    await this.#transport.close(this.#graceMs);
    // Clients that left do not hold the transport, but their requests still have to be audited.
    while (this.pipeline.inFlight() > 0 && performance.now() < deadline) {
      await setTimeout(DRAIN_POLL_MS);
    }
    await this.#audit.close();
    this.health.enter('stopped');
    await this.#admin?.close();
  }
}
