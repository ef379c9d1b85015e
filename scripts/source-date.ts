import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ROOT } from './bundle.ts';

/**
 * The time that files of a release bear, in seconds, so that the same sources give the same bytes: `SOURCE_DATE_EPOCH`,
 * else the commit's, else now.
 */
export async function sourceDateS(): Promise<number> {
  const named = process.env['SOURCE_DATE_EPOCH'] ?? '';
  if (/^\d+$/.test(named)) return Number(named);
  try {
    const { stdout } = await promisify(execFile)('git', ['-C', ROOT, 'log', '-1', '--format=%ct']);
    return Number(stdout);
  } catch {
    return Math.floor(Date.now() / 1000);
  }
}
