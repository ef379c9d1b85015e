import { readFile } from 'node:fs/promises';

/** What vitest's JSON reporter says, counted. */
export interface VitestReport {
  readonly passed: number;
  readonly failed: number;
  /** Full names of tests that did not run. */
  readonly skipped: readonly string[];
}

/**
 * Counts a report of vitest's JSON reporter. A file that could not be loaded counts as one failure.
 * @throws where there is no report, or one of another shape
 */
export async function readVitestReport(path: string): Promise<VitestReport> {
  const report: unknown = JSON.parse(await readFile(path, 'utf8'));
  const counts = { passed: 0, failed: 0, skipped: [] as string[] };
  for (const file of listOf(report, 'testResults')) {
    const tests = listOf(file, 'assertionResults');
    if (tests.length === 0 && property(file, 'status') === 'failed') counts.failed += 1;
    for (const test of tests) {
      const status = property(test, 'status');
      if (status === 'passed') counts.passed += 1;
      else if (status === 'failed') counts.failed += 1;
      else counts.skipped.push(String(property(test, 'fullName')));
    }
  }
  return counts;
}

function listOf(value: unknown, name: string): readonly unknown[] {
  const list = property(value, name);
  if (!Array.isArray(list)) throw new TypeError(`the test report has no list "${name}"`);
  return list;
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
