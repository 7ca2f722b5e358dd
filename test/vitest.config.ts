import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // No test measures the CPU unless it says so.
    env: { KEYSTREL_BREAK_EVEN: 'constants' },
    maxWorkers: 2,
    reporters: ['default'],
  },
});
