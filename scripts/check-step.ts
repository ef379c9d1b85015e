import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** How a step of the check ended. */
export interface StepResult {
  readonly passed: number;
  readonly failed: number;
  /** Lines to show below the step even if it passed. */
  readonly notes: readonly string[];
}

/** What a program said, in the order it said it, and how it ended. */
export interface ProgramResult {
  readonly exitCode: number;
  readonly output: string;
}

/** Runs a program to its end; one that cannot be started counts as failed. */
export async function runProgram(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<ProgramResult> {
  const child = spawn('/bin/sh', ['-c', 'exec "$0" "$@" 2>&1', command, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return { exitCode: typeof code === 'number' ? code : 1, output };
}

/** Runs one step, with one line for how it went; what it said is shown only if it failed. */
export async function runStep(
  name: string,
  work: () => Promise<StepResult & { readonly output: string }>,
): Promise<StepResult> {
  const startedAtMs = performance.now();
  const result = await work();
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  const good = result.failed === 0;
  console.log(`${good ? '✔' : '✖'} ${name} (${seconds} s)`);
  for (const note of result.notes) console.log(`    ${note}`);
  if (!good) console.log(result.output.trimEnd().replaceAll(/^/gm, '    '));
  return result;
}
