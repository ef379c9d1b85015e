import { chmod, copyFile, rm } from 'node:fs/promises';
import { mustRun } from '../fixtures/run-program.ts';
import { findProgram } from './find-program.ts';
import type { NodePackage } from './package-target.ts';

/**
 * Copies a Node without what a binary must not have: symbols, which are a seventh of it and cannot be taken out any more
 * once the program is in, and a signature, which would be wrong.
 * @returns what could not be done, for the release notes
 * @throws where a signature cannot be removed
 */
export async function bareNode(node: NodePackage, from: string, to: string): Promise<readonly string[]> {
  await rm(to, { force: true });
  if (node.os === 'win32') {
    if (findProgram('osslsigncode') === undefined)
      throw new Error('osslsigncode, which takes the old signature out, is not installed');
    await mustRun('osslsigncode', ['remove-signature', '-in', from, '-out', to]);
    return [];
  }
  await copyFile(from, to);
  await chmod(to, 0o755);
  if (node.os === 'darwin') return [];
  const strip = stripFor(node);
  if (strip === undefined) return ['symbols are in it: no strip for its processor is installed'];
  await mustRun(strip, ['-s', to]);
  return [];
}

function stripFor({ cpu }: NodePackage): string | undefined {
  const gnu = { x64: 'x86_64-linux-gnu-strip', arm64: 'aarch64-linux-gnu-strip' }[cpu];
  return cpu === process.arch ? findProgram('strip', gnu, 'llvm-strip') : findProgram(gnu, 'llvm-strip');
}
