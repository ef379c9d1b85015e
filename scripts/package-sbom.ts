import { createHash } from 'node:crypto';
import { type Component, identityOf } from './package-components.ts';
import type { NodePackage, Target } from './package-target.ts';

export interface SbomOptions {
  readonly version: string;
  readonly commit: string;
  readonly target: Target;
  readonly components: readonly Component[];
  /** What package.json names, by name: those that the program itself imports. */
  readonly direct: ReadonlySet<string>;
  /** What Node is made of, as its `process.versions` tells. */
  readonly nodeVersions: Readonly<Record<string, string>>;
  readonly dateS: number;
}

/** Names in `process.versions` that are no library: numbers of interfaces, and Node itself. */
const NO_LIBRARY = new Set(['node', 'modules', 'napi']);

/**
 * What is inside a binary, as CycloneDX 1.5 JSON. npm's own `sbom` leaves out what a development tool needs as well, and
 * names what the bundle does not hold: this one is made of the files that the bundle is made of.
 */
export function makeSbom(options: SbomOptions): string {
  const { version, commit, target, components, direct, nodeVersions, dateS } = options;
  const program = `regcache@${version}`;
  const node = identityOf(target.node);
  const body = {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      timestamp: new Date(dateS * 1000).toISOString(),
      lifecycles: [{ phase: 'build' }],
      component: {
        'bom-ref': program,
        type: 'application',
        name: 'regcache',
        version,
        licenses: [{ license: { id: 'Apache-2.0' } }],
        properties: [
          { name: 'regcache:commit', value: commit },
          { name: 'regcache:platform', value: target.name },
        ],
      },
    },
    components: [
      ...components.map(libraryOf),
      { ...nodeOf(target.node), components: librariesOfNode(nodeVersions) },
    ],
    dependencies: [
      {
        ref: program,
        dependsOn: [...components.filter(({ name }) => direct.has(name)).map(identityOf), node],
      },
      ...components.map((component) => ({
        ref: identityOf(component),
        dependsOn: component.dependencies,
      })),
      { ref: node, dependsOn: [] },
    ],
  };
  const serialNumber = `urn:uuid:${uuidOf(JSON.stringify(body))}`;
  return `${JSON.stringify({ $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json', serialNumber, ...body }, undefined, 2)}\n`;
}

function libraryOf(component: Component): object {
  const { name, version, licence, integrity } = component;
  return {
    'bom-ref': identityOf(component),
    type: 'library',
    name,
    version,
    scope: 'required',
    purl: purlOf(name, version),
    hashes: hashesOf(integrity),
    licenses: /[ ()]/.test(licence) ? [{ expression: licence }] : [{ license: { id: licence } }],
  };
}

function nodeOf(node: NodePackage): object {
  return {
    'bom-ref': identityOf(node),
    type: 'platform',
    name: 'node',
    version: node.version,
    scope: 'required',
    cpe: `cpe:2.3:a:nodejs:node.js:${node.version}:*:*:*:*:*:*:*`,
    purl: purlOf(node.name, node.version),
    hashes: hashesOf(node.integrity),
    licenses: [{ license: { id: 'MIT' } }],
  };
}

function librariesOfNode(versions: Readonly<Record<string, string>>): readonly object[] {
  return Object.entries(versions)
    .filter(([name]) => !NO_LIBRARY.has(name))
    .map(([name, version]) => ({ 'bom-ref': `node/${name}@${version}`, type: 'library', name, version }));
}

function purlOf(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

function hashesOf(integrity: string): readonly object[] {
  const [, base64 = ''] = integrity.split('sha512-');
  return [{ alg: 'SHA-512', content: Buffer.from(base64, 'base64').toString('hex') }];
}

/** The same for the same text: RFC 9562, version 8. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
