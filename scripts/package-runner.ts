import { existsSync } from 'node:fs';
import type { Program } from '../fixtures/program.ts';
import { findProgram } from './find-program.ts';
import type { NodePackage } from './package-target.ts';

/** Where Debian puts the libraries of another processor. */
const ARM64_LIBRARIES = '/usr/aarch64-linux-gnu';

/** How programs of a platform run on this machine. */
export interface Runner {
  readonly place: 'here' | 'emulated';
  /** For the release notes. */
  readonly describe: string;
  readonly program: (file: string) => Program;
}

/** How programs of this platform can be run here, if they can. */
export function findRunner({ os, cpu }: NodePackage): Runner | undefined {
  if (os === process.platform && cpu === process.arch) {
    return { place: 'here', describe: 'on a machine of its kind', program: (file) => ({ file, args: [] }) };
  }
  if (os !== 'linux' || cpu !== 'arm64' || process.platform !== 'linux') return undefined;
  const qemu = findProgram('qemu-aarch64-static', 'qemu-aarch64');
  if (qemu === undefined || !existsSync(ARM64_LIBRARIES)) return undefined;
  return {
    place: 'emulated',
    describe: 'under qemu-user, **not on a real machine**',
    program: (file) => ({ file: qemu, args: ['-L', ARM64_LIBRARIES, file] }),
  };
}
