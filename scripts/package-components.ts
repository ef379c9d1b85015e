import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './bundle.ts';
import { readLicenceText } from './package-licence-text.ts';

/** An npm package of which there is code in the program. */
export interface Component {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression. */
  readonly licence: string;
  /** What the lock file says its archive must have: `sha512-…`. */
  readonly integrity: string;
  /** Its licence and notices, whole. */
  readonly licenceText: string;
  /** Of those that are in the program too: `name@version`. */
  readonly dependencies: readonly string[];
}

interface Locked {
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const FOLDER = /^(?<folder>.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;

/**
 * The packages that a bundle's files are of, each once, by name.
 * @throws where one has no licence, or is not locked
 */
export async function readComponents(inputs: ReadonlySet<string>): Promise<readonly Component[]> {
  const folders = new Set([...inputs].flatMap((input) => FOLDER.exec(input)?.groups?.['folder'] ?? []));
  const text = await readFile(join(ROOT, 'package-lock.json'), 'utf8');
  const { packages } = JSON.parse(text) as { packages: Readonly<Record<string, Locked>> };
  const versions = new Map<string, string>();
  for (const folder of folders) versions.set(folder, await identity(folder));
  const components = new Map<string, Component>();
  for (const folder of folders) {
    const { integrity, dependencies = {} } = packages[folder] ?? {};
    if (integrity === undefined) throw new Error(`package-lock.json does not lock ${folder}`);
    const names = Object.keys(dependencies).flatMap(
      (name) => versions.get(placeOf(folder, name, packages) ?? '') ?? [],
    );
    const component = await readComponent(folder, integrity, names.toSorted());
    components.set(identityOf(component), component);
  }
  return [...components.values()].toSorted((one, other) => (identityOf(one) < identityOf(other) ? -1 : 1));
}

/** What one is called elsewhere: `name@version`. */
export function identityOf({ name, version }: { name: string; version: string }): string {
  return `${name}@${version}`;
}

async function readComponent(
  folder: string,
  integrity: string,
  dependencies: readonly string[],
): Promise<Component> {
  const { name, version, license, author } = await readPackage(folder);
  const licenceText = await readLicenceText(join(ROOT, folder), license, author);
  return { name, version, licence: String(license), integrity, licenceText, dependencies };
}

async function identity(folder: string): Promise<string> {
  return identityOf(await readPackage(folder));
}

interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly license?: unknown;
  readonly author?: unknown;
}

async function readPackage(folder: string): Promise<PackageJson> {
  const text = await readFile(join(ROOT, folder, 'package.json'), 'utf8');
  return JSON.parse(text) as PackageJson;
}

/** Where Node finds a package that another one asks for. */
function placeOf(
  folder: string,
  name: string,
  packages: Readonly<Record<string, Locked>>,
): string | undefined {
  for (let place = folder; ; place = place.slice(0, Math.max(0, place.lastIndexOf('/node_modules/')))) {
    const wanted = place === '' ? `node_modules/${name}` : `${place}/node_modules/${name}`;
    if (packages[wanted] !== undefined) return wanted;
    if (place === '') return undefined;
  }
}
