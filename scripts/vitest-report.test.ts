import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tempFolder } from '../fixtures/temp-folder.ts';
import { readVitestReport } from './vitest-report.ts';

async function reportOf(value: unknown) {
  await using folder = await tempFolder('report');
  const path = join(folder.path, 'report.json');
  await writeFile(path, JSON.stringify(value));
  return await readVitestReport(path);
}

test('passed, failed and skipped tests are told apart', async () => {
  const assertionResults = [
    { status: 'passed', fullName: 'a' },
    { status: 'failed', fullName: 'b' },
    { status: 'skipped', fullName: 'c' },
    { status: 'todo', fullName: 'd' },
  ];
  await expect(reportOf({ testResults: [{ status: 'failed', assertionResults }] })).resolves.toEqual({
    passed: 1,
    failed: 1,
    skipped: ['c', 'd'],
  });
});

test('a file that could not be loaded is one failure', async () => {
  await expect(reportOf({ testResults: [{ status: 'failed', assertionResults: [] }] })).resolves.toEqual({
    passed: 0,
    failed: 1,
    skipped: [],
  });
});

test('a report of another shape is no report', async () => {
  await expect(reportOf({ results: [] })).rejects.toThrow('testResults');
});
