/**
 * A promise for what settles within a turn of the event loop: its callbacks run at once when it
 * settles, not from the microtask queue, and it is made by whoever will settle it.
 *
 * A request passes some ten promises; as native ones these, their resolving functions, closures and
 * microtasks were a sixth of its CPU time. Everything else is as with Promise, so that `await`,
 * Promise.all and callers that know only promises work. The catch: when `then` or `resolve` returns,
 * callbacks may have run already; and `instanceof Promise` is false.
 */

type State = 'pending' | 'fulfilled' | 'rejected';
type OnValue<T, C> = (value: T, context: C) => void;
type OnError<C> = (error: unknown, context: C) => void;

/** Who waits for a Later besides the first. */
interface Consumer {
  readonly onValue: OnValue<unknown, unknown>;
  readonly onError: OnError<unknown>;
  readonly context: unknown;
}

// Its members are plain (`private`, not `#`) and set by the constructor alone: several are made per
// request, and V8 defines fields and private names one by one.
export class Later<T> implements Promise<T> {
  declare private state: State;
  /** The value, or the error. */
  declare private outcome: unknown;
  declare private onValue: OnValue<unknown, unknown> | undefined;
  declare private onError: OnError<unknown> | undefined;
  declare private context: unknown;
  declare private others: Consumer[] | undefined;

  constructor() {
    this.state = 'pending';
    this.outcome = undefined;
    this.onValue = undefined;
    this.onError = undefined;
    this.context = undefined;
    this.others = undefined;
  }

  get [Symbol.toStringTag](): string {
    return 'Later';
  }

  /** Fulfils it; nothing happens when it is settled already. */
  resolve(value: T): void {
    if (this.state !== 'pending') return;
    this.state = 'fulfilled';
    this.outcome = value;
    const { onValue, context, others } = this;
    if (onValue === undefined) return;
    this.onValue = this.onError = this.context = undefined;
    onValue(value, context);
    if (others === undefined) return;
    for (const other of others) other.onValue(value, other.context);
    this.others = undefined;
  }

  /** Rejects it; nothing happens when it is settled already. */
  reject(error: unknown): void {
    if (this.state !== 'pending') return;
    this.state = 'rejected';
    this.outcome = error;
    const { onError, context, others } = this;
    if (onError === undefined) {
      this.reportUnlessTaken();
      return;
    }
    this.onValue = this.context = undefined;
    onError(error, context);
    if (others === undefined) return;
    for (const other of others) other.onError(error, other.context);
    this.others = undefined;
  }

  /**
   * The end of a chain: exactly one of the callbacks is called, at once when it is settled already.
   * They get `context`, so that they need not be made anew for each request. They must not throw.
   */
  done<C>(context: C, onValue: OnValue<T, C>, onError: OnError<C>): void {
    if (this.state === 'fulfilled') {
      onValue(this.outcome as T, context);
    } else if (this.state === 'rejected') {
      this.onError = ignore;
      onError(this.outcome, context);
    } else if (this.onValue === undefined) {
      this.onValue = onValue as OnValue<unknown, unknown>;
      this.onError = onError as OnError<unknown>;
      this.context = context;
    } else {
      this.others ??= [];
      this.others.push({ onValue, onError, context } as Consumer);
    }
  }

  /** As `then` with both callbacks, which also get `context`. */
  map<R, C>(
    context: C,
    onValue: (value: T, context: C) => R | PromiseLike<R>,
    onError: (error: unknown, context: C) => R | PromiseLike<R>,
  ): Later<R> {
    const next = new Mapped<T, R, C>(context, onValue, onError);
    this.done(next, mapValue, mapError);
    return next;
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a promise.
  then<A = T, B = never>(
    onValue?: ((value: T) => A | PromiseLike<A>) | null,
    onError?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Later<A | B> {
    return this.map<A | B, undefined>(
      undefined,
      onValue ?? (pass as (value: T) => A),
      onError ?? throwIt,
    );
  }

  catch<B = never>(onError?: ((reason: unknown) => B | PromiseLike<B>) | null): Later<T | B> {
    return this.then(undefined, onError);
  }

  finally(onEnd?: (() => void) | null): Later<T> {
    return this.then(
      (value) => {
        onEnd?.();
        return value;
      },
      (error) => {
        onEnd?.();
        throw error;
      },
    );
  }

  /** As a native promise does: an error that nobody takes up is an unhandled rejection. */
  private reportUnlessTaken(): void {
    setImmediate(() => {
      if (this.onError === undefined) void Promise.reject(this.outcome);
    });
  }
}

/** What `map` gives: a Later with the way from its parent's outcome to its own. */
class Mapped<T, R, C> extends Later<R> {
  declare readonly given: C;
  declare readonly ofValue: (value: T, context: C) => R | PromiseLike<R>;
  declare readonly ofError: (error: unknown, context: C) => R | PromiseLike<R>;

  constructor(
    given: C,
    ofValue: (value: T, context: C) => R | PromiseLike<R>,
    ofError: (error: unknown, context: C) => R | PromiseLike<R>,
  ) {
    super();
    this.given = given;
    this.ofValue = ofValue;
    this.ofError = ofError;
  }
}

function mapValue<T, R, C>(value: T, next: Mapped<T, R, C>): void {
  let result: R | PromiseLike<R>;
  try {
    result = next.ofValue(value, next.given);
  } catch (error) {
    next.reject(error);
    return;
  }
  follow(next, result);
}

function mapError<T, R, C>(error: unknown, next: Mapped<T, R, C>): void {
  let result: R | PromiseLike<R>;
  try {
    result = next.ofError(error, next.given);
  } catch (other) {
    next.reject(other);
    return;
  }
  follow(next, result);
}

function follow<R>(next: Later<R>, result: R | PromiseLike<R>): void {
  if (!isThenable(result)) next.resolve(result);
  else settled(result, next, resolveWith, rejectWith);
}

function resolveWith<R>(value: R, next: Later<R>): void {
  next.resolve(value);
}

function rejectWith<R>(error: unknown, next: Later<R>): void {
  next.reject(error);
}

function pass<T>(value: T): T {
  return value;
}

function throwIt(error: unknown): never {
  throw error;
}

function ignore(): void {
  // What is settled has been handed over.
}

function isThenable<A>(value: A | PromiseLike<A>): value is PromiseLike<A> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/** Later.done for a promise of either kind. */
export function settled<T, C>(
  promise: PromiseLike<T>,
  context: C,
  onValue: OnValue<T, C>,
  onError: OnError<C>,
): void {
  if (promise instanceof Later) {
    promise.done(context, onValue, onError);
  } else {
    void promise.then(
      (value) => onValue(value, context),
      (error: unknown) => onError(error, context),
    );
  }
}

/** Later.map for a promise of either kind. */
export function mapped<T, R, C>(
  promise: Promise<T>,
  context: C,
  onValue: (value: T, context: C) => R | PromiseLike<R>,
  onError: (error: unknown, context: C) => R | PromiseLike<R>,
): Promise<R> {
  if (promise instanceof Later) return promise.map(context, onValue, onError);
  return promise.then(
    (value) => onValue(value, context),
    (error: unknown) => onError(error, context),
  );
}
