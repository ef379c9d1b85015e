import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What the scripts need of package.json. */
export interface Manifest {
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

/** Reads the project's package.json. */
export async function readManifest(): Promise<Manifest> {
  const text = await readFile(join(import.meta.dirname, '..', 'package.json'), 'utf8');
  return JSON.parse(text) as Manifest;
}
