import { defineConfig } from 'vitest/config';

const END_TO_END = {
  globalSetup: ['fixtures/e2e-setup.ts'],
  testTimeout: 240_000,
  hookTimeout: 240_000,
};

/** What looks at memory, at first bytes or at links: nothing else may run beside it. */
const MEASURING = ['cmd/serve-fill.e2e.test.ts', 'cmd/bench.e2e.test.ts'];

export default defineConfig({
  test: {
    reporters: ['default'],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/*.test.ts'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: { lines: 90 },
    },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{src,cmd,fixtures,scripts}/**/*.test.{ts,tsx}'],
          exclude: ['**/*.e2e.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          ...END_TO_END,
          name: 'e2e',
          include: ['cmd/**/*.e2e.test.ts'],
          exclude: MEASURING,
          maxWorkers: 2,
        },
      },
      {
        test: {
          ...END_TO_END,
          name: 'e2e-alone',
          include: MEASURING,
          fileParallelism: false,
          maxWorkers: 1,
        },
      },
    ],
  },
});
