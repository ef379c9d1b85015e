import { defineConfig } from 'vitest/config';

/**
 * The unit tests of what is mutated, alone: an end-to-end test would run the bundle, not the mutant. A folder is held
 * to its own tests: what another folder's tests would also catch is not counted, and a run takes an hour, not ten.
 */
const folder = process.env['REGCACHE_MUTATE'];
if (folder === undefined) throw new Error('run `npm run mutate [folder]`, which says what is mutated');

export default defineConfig({
  test: {
    include: [`src/${folder}/**/*.test.ts`],
    testTimeout: 15_000,
    hookTimeout: 15_000,
  },
});
