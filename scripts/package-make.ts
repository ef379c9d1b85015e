import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../fixtures/run-program.ts';
import { bundleProgram, ROOT } from './bundle.ts';
import { findProgram } from './find-program.ts';
import { bareNode } from './package-bare-node.ts';
import { makeBinary } from './package-binary.ts';
import { fetchNode } from './package-node.ts';
import type { Made } from './package-notes.ts';
import { findRunner, type Runner } from './package-runner.ts';
import { smokeProgram } from './package-smoke.ts';
import type { Target } from './package-target.ts';
import { cacheName, scriptTexts, type TextName } from './package-texts.ts';
import { sha256 } from './sha256.ts';

/** Fails where V8 would pass over a cache and say nothing. */
const IS_ACCEPTED = `
const [text, cachedData] = process.argv.slice(1).map((file) => require('node:fs').readFileSync(file));
const { cachedDataRejected } = new (require('node:vm').Script)(text.latin1Slice(), { cachedData });
if (cachedDataRejected) throw new Error('the code cache is not accepted');`;

export interface Packaging {
  readonly version: string;
  /** For what is needed in between; on the file system of `dist`. */
  readonly work: string;
  readonly dist: string;
  /** Where Nodes of other platforms are kept between runs. */
  readonly nodes: string;
  /** Whether to build a second time and compare. */
  readonly twice: boolean;
}

/** A binary, and what else is known of it. */
export interface MadeTarget {
  readonly made: Made & { readonly kind: 'made' };
  readonly file: string;
  /** Of the Node inside. */
  readonly nodeVersions: Readonly<Record<string, string>>;
  readonly nodeLicenceFile: string | undefined;
}

/** Whatever a command needs first is compiled already where the binary starts. */
const WARMED_BY: Readonly<Record<TextName, readonly string[]>> = {
  'regcache-start.js': ['--help'],
  'regcache.js': ['config', 'check'],
};

/** V8 puts a seed of its own into what it compiles. Neither of these is one of the flags that a code cache is bound to. */
const ALWAYS_THE_SAME = ['--predictable', '--random-seed=1'];

/** Makes one platform's binary, runs it if that can be done here, and puts it into dist. @throws where it cannot be made */
export async function makeTarget(target: Target, packaging: Packaging): Promise<MadeTarget> {
  const folder = join(packaging.work, target.name);
  await mkdir(folder, { recursive: true });
  const node = await fetchNode(target.node, packaging.nodes);
  const maker =
    target.maker === undefined ? process.execPath : (await fetchNode(target.maker, packaging.nodes)).file;
  const nodeFile = join(folder, 'node');
  const notes = [...(await bareNode(target.node, node.file, nodeFile)), ...signatureNotes(target)];
  const runner = findRunner(target.node);
  if (runner === undefined) notes.push('no code cache is in it: it starts a little later');
  const build = async (name: string): Promise<string> => {
    const own = join(folder, name);
    await mkdir(own, { recursive: true });
    const texts = scriptTexts(await bundleProgram());
    const caches = runner === undefined ? undefined : await makeCaches(texts, runner, nodeFile, own);
    const out = join(own, target.file);
    await makeBinary(
      { target, nodeFile, makerFile: maker, texts, caches, sign: canSign(), folder: own },
      out,
    );
    return out;
  };
  const file = await build('first');
  const isReproducible = packaging.twice
    ? (await sha256(await build('second'))) === (await sha256(file))
    : undefined;
  const { version: nodeVersion, os: platform, cpu: arch } = target.node;
  const expected = { version: packaging.version, node: nodeVersion, platform, arch };
  const did = runner && (await smokeProgram(runner.program(file), expected, runner.place));
  const placed = join(packaging.dist, target.file);
  await rename(file, placed);
  const versions = await mustRun(maker, ['-p', 'JSON.stringify(process.versions)']);
  return {
    file: placed,
    nodeVersions: JSON.parse(versions) as Readonly<Record<string, string>>,
    nodeLicenceFile: node.licenceFile,
    made: {
      kind: 'made',
      target,
      sizeBytes: (await stat(placed)).size,
      seen: runner && did && { place: runner.describe, did },
      isReproducible,
      notes,
    },
  };
}

async function makeCaches(
  texts: Readonly<Record<TextName, string>>,
  runner: Runner,
  nodeFile: string,
  folder: string,
): Promise<Readonly<Record<TextName, string>>> {
  const caches = { 'regcache-start.js': '', 'regcache.js': '' };
  const script = join(ROOT, 'scripts', 'package-code-cache.ts');
  for (const name of ['regcache-start.js', 'regcache.js'] as const) {
    await writeFile(join(folder, name), texts[name]);
    const { file, args } = runner.program(nodeFile);
    const command = [...args, ...ALWAYS_THE_SAME, script, name, cacheName(name), ...WARMED_BY[name]];
    await mustRun(file, command, { cwd: folder });
    await mustRun(file, [...args, '-e', IS_ACCEPTED, name, cacheName(name)], { cwd: folder });
    caches[name] = join(folder, cacheName(name));
  }
  return caches;
}

function canSign(): boolean {
  return findProgram('codesign', 'ldid') !== undefined;
}

function signatureNotes({ file, node }: Target): readonly string[] {
  if (node.os === 'win32') return ['not signed: Windows asks before it runs it'];
  if (node.os !== 'darwin' || canSign()) return [];
  return [
    `**not signed**, and macOS ends what is not signed at once: on the Mac, run \`codesign --force --sign - ${file}\` first`,
  ];
}
