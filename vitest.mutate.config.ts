import { defineConfig } from 'vitest/config';

/** The unit tests of what is mutated, alone: an end-to-end test would run the bundle, not the mutant. */
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
