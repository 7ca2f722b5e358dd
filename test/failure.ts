/** What an operation that must fail failed with. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly status: number | undefined;
}

/** Awaits `call`, which must reject, and gives the AWS error of an SDK exception. */
export async function failure(call: Promise<unknown>): Promise<Failure> {
  try {
    await call;
  } catch (error) {
    const thrown = error as Error & { $metadata?: { httpStatusCode?: number } };
    return {
      name: thrown.name,
      message: thrown.message,
      status: thrown.$metadata?.httpStatusCode,
    };
  }
  throw new Error('the call succeeded, though it had to fail');
}
