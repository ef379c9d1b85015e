import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './bundle.ts';
import { runProgram } from './check-step.ts';
import type { NodePackage } from './package-target.ts';

/** Node for one platform, as npm delivers it. */
export interface FetchedNode {
  /** The executable. */
  readonly file: string;
  /** Its licence and those of what is inside it, where the package has them. */
  readonly licenceFile: string | undefined;
}

/**
 * Finds the project's own Node, or fetches another platform's below a folder: npm compares the archive with the
 * integrity that is asked for, and runs none of its scripts.
 * @throws where there is none
 */
export async function fetchNode(node: NodePackage, folder: string): Promise<FetchedNode> {
  const own = join(ROOT, 'node_modules', node.name);
  if ((await versionIn(own)) === node.version) return await found(node, own);
  const home = join(folder, `${node.name}-${node.version}`);
  const fetched = join(home, 'node_modules', node.name);
  if ((await versionIn(fetched)) === node.version) return await found(node, fetched);
  const { name, version, integrity, os, cpu } = node;
  const wanted = { [name]: version };
  const lock = {
    lockfileVersion: 3,
    packages: {
      '': { optionalDependencies: wanted },
      [`node_modules/${name}`]: { version, integrity, os, cpu, optional: true },
    },
  };
  await mkdir(home, { recursive: true });
  await writeFile(
    join(home, 'package.json'),
    JSON.stringify({ private: true, optionalDependencies: wanted }),
  );
  await writeFile(join(home, 'package-lock.json'), JSON.stringify(lock));
  const { exitCode, output } = await runProgram('npm', [
    'ci',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    `--prefix=${home}`,
    `--os=${os}`,
    `--cpu=${cpu}`,
  ]);
  if (exitCode !== 0 || (await versionIn(fetched)) !== version) {
    throw new Error(`npm did not deliver ${name} ${version} with its integrity: ${output.trim()}`);
  }
  return await found(node, fetched);
}

async function versionIn(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as { version: string }).version;
}

async function found(node: NodePackage, folder: string): Promise<FetchedNode> {
  const file = join(folder, 'bin', node.os === 'win32' ? 'node.exe' : 'node');
  await stat(file);
  const licence = join(folder, 'LICENSE');
  const hasLicence = await stat(licence).then(
    () => true,
    () => false,
  );
  return { file, licenceFile: hasLicence ? licence : undefined };
}
