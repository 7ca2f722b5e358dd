/** Health: may this process be sent requests, and can it answer them? */

export type Phase = 'starting' | 'ready' | 'draining' | 'stopped';

/** A named condition that has to hold for requests to be answered, e.g. 'audit'. */
export type HealthCheck = () => boolean;

export interface HealthReport {
  readonly ok: boolean;
  readonly phase: Phase;
  /** Each check by name. */
  readonly checks: Readonly<Record<string, boolean>>;
}

export class Health {
  #phase: Phase = 'starting';
  readonly #checks: Readonly<Record<string, HealthCheck>>;

  constructor(checks: Readonly<Record<string, HealthCheck>>) {
    this.#checks = checks;
  }

  enter(phase: Phase): void {
    this.#phase = phase;
  }

  /** Red while a check fails. */
  health(): HealthReport {
    const checks: Record<string, boolean> = {};
    let ok = true;
    for (const [name, check] of Object.entries(this.#checks)) {
      const passed = check();
      checks[name] = passed;
      ok &&= passed;
    }
    return { ok, phase: this.#phase, checks };
  }

  /** Red too while starting, draining and stopped. */
  readiness(): HealthReport {
    const report = this.health();
    return { ...report, ok: report.ok && this.#phase === 'ready' };
  }
}
