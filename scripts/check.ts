import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { missingPeers } from '../fixtures/peers.ts';
import { type ProgramResult, runProgram, runStep, type StepResult } from './check-step.ts';
import { readVitestReport } from './vitest-report.ts';

const ROOT = join(import.meta.dirname, '..');
const BIN = join(ROOT, 'node_modules', '.bin');
const BUNDLE = join(ROOT, 'dist', 'regcache.mjs');

type Outcome = StepResult & { readonly output: string };

/** Everything that has to hold before a commit counts, in the order in which it is cheapest to learn. */
const STEPS: readonly (readonly [string, () => Promise<Outcome>])[] = [
  ['formatting', () => tool('prettier', '--check', '.')],
  ['lint', () => tool('oxlint', '--type-aware', '--deny-warnings')],
  ['types', () => tool('tsc', '-p', '.')],
  ['import law', () => tool('node', 'scripts/import-law.ts')],
  ['nothing unused', () => tool('knip')],
  ['build', () => tool('node', 'scripts/build.ts')],
  // It is run as well: serve and a pull, bench with its daemons, certs, top. Packages and images are made of it in the tests.
  ['the binary is made and runs', () => tool('node', 'scripts/package.ts', '--only', 'linux-x64', '--quick')],
  ['unit tests', () => runTests('unit', '--coverage')],
  ['end-to-end tests', () => runTests('e2e')],
  ['end-to-end tests that measure', () => runTests('e2e-alone')],
  ['the bundle starts', smokeBundle],
];

async function tool(name: string, ...args: string[]): Promise<Outcome> {
  return outcomeOf(await runProgram(join(BIN, name), args));
}

function outcomeOf({ exitCode, output }: ProgramResult): Outcome {
  const good = exitCode === 0;
  return { passed: good ? 1 : 0, failed: good ? 0 : 1, notes: [], output };
}

/** One project's tests, each counting by itself, and the coverage that they must reach. */
async function runTests(project: 'unit' | 'e2e' | 'e2e-alone', ...more: string[]): Promise<Outcome> {
  const path = join(ROOT, 'reports', `vitest-${project}.json`);
  await rm(path, { force: true });
  const args = [
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${path}`,
  ];
  const { exitCode, output } = await runProgram(join(BIN, 'vitest'), [...args, ...more]);
  const report = await readVitestReport(path).catch(() => undefined);
  if (report === undefined) return { passed: 0, failed: 1, notes: [], output };
  const { passed, failed, skipped } = report;
  const otherFailure = exitCode !== 0 && failed === 0 ? 1 : 0;
  const coverage = /^Lines\s*: (.*)$/m.exec(output)?.[1];
  return {
    passed,
    failed: failed + otherFailure,
    notes: [
      `${passed} tests passed, ${failed} failed, ${skipped.length} skipped`,
      ...(coverage === undefined ? [] : [`lines covered: ${coverage}`]),
      ...missingPeers().map((peer) => `missing peer: ${peer}`),
      // A peer that is wanted and not installed is a failure; a kernel that lets nobody mount is not.
      ...skipped.map((name) => `– skipped: ${name}`),
    ],
    output,
  };
}

/** The bundle starts by itself, and on the system's Node it says so if that is too old. */
async function smokeBundle(): Promise<Outcome> {
  const version = await runProgram(join(BIN, 'node'), [BUNDLE, '--version']);
  const help = await runProgram(BUNDLE, ['--help']);
  const good =
    version.exitCode === 0 && /^\d+\.\d+\.\d+/.test(version.output) && /\bserve\b/.test(help.output);
  return outcomeOf({ exitCode: good ? 0 : 1, output: `${version.output}\n${help.output}` });
}

process.chdir(ROOT);
process.env['PATH'] = `${BIN}:${process.env['PATH'] ?? ''}`;
let passed = 0;
let failed = 0;
for (const [name, work] of STEPS) {
  const result = await runStep(name, work);
  passed += result.passed;
  failed += result.failed;
}
process.exitCode = failed === 0 ? 0 : 1;
console.log(`${passed} passed, ${failed} failed`);
