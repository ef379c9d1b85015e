import { join } from 'node:path';
import { runProgram } from './check-step.ts';

const ROOT = join(import.meta.dirname, '..');

/** When the source was last changed: SOURCE_DATE_EPOCH, or the last commit. @throws where neither is known */
export async function releaseDate(): Promise<Date> {
  const { SOURCE_DATE_EPOCH: epoch } = process.env;
  if (epoch !== undefined) return new Date(Number(epoch) * 1000);
  const { exitCode, output } = await runProgram('git', ['-C', ROOT, 'log', '-1', '--format=%ct']);
  if (exitCode !== 0) throw new Error(`set SOURCE_DATE_EPOCH, or build in a git checkout: ${output}`);
  return new Date(Number(output) * 1000);
}
