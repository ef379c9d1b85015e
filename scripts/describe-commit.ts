import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The commit that a folder is at, with `-dirty` where its files differ from it; `unknown` outside git. */
export async function describeCommit(folder: string): Promise<string> {
  const args = ['-C', folder, 'describe', '--always', '--dirty', '--abbrev=40', '--exclude=*'];
  try {
    const { stdout } = await promisify(execFile)('git', args);
    return stdout.trim() || 'unknown';
  } catch {
    return 'unknown';
  }
}
