import { createHash } from 'node:crypto';
import { chmod, copyFile, lutimes, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { mustRun } from '../fixtures/run-program.ts';
import { ROOT } from './bundle.ts';
import { debianChangelog } from './debian-changelog.ts';
import { licencesOf } from './program-licences.ts';

const DOC = 'usr/share/doc/regcache';
const CONFIG = 'etc/regcache/config.yml';

export interface DebianFilesOptions {
  readonly folder: string;
  readonly program: string;
  readonly version: string;
  readonly architecture: string;
  readonly modifiedAt: Date;
}

/** A file of the package: where it comes from, and its mode where that is not 0644. */
interface Entry {
  readonly from: string;
  readonly mode?: number;
  /** Manuals and changelogs are kept compressed. */
  readonly gzip?: boolean;
}

const FILES: Readonly<Record<string, Entry>> = {
  [CONFIG]: { from: 'deploy/debian/config.yml' },
  'usr/lib/systemd/system/regcache.service': { from: 'deploy/systemd/regcache.service' },
  'usr/lib/sysusers.d/regcache.conf': { from: 'deploy/systemd/regcache.sysusers' },
  'usr/share/lintian/overrides/regcache': { from: 'deploy/debian/lintian-overrides' },
  'usr/share/man/man1/regcache.1.gz': { from: 'docs/regcache.1', gzip: true },
  [`${DOC}/copyright`]: { from: 'deploy/debian/copyright' },
  [`${DOC}/examples/low-ports.conf`]: { from: 'deploy/systemd/low-ports.conf' },
};

const SCRIPTS = ['postinst', 'prerm', 'postrm'] as const;

/** Lays out what dpkg-deb makes a package of. */
export async function stageDebianFiles(options: DebianFilesOptions): Promise<void> {
  const { folder, program, version, modifiedAt } = options;
  await put(folder, 'usr/bin/regcache', { from: program, mode: 0o755 });
  await put(folder, `${DOC}/THIRD-PARTY-LICENSES.gz`, { from: licencesOf(program), gzip: true });
  for (const [path, entry] of Object.entries(FILES)) await put(folder, path, entry);
  for (const name of await readdir(join(ROOT, 'docs'))) {
    if (name.endsWith('.md')) await put(folder, `${DOC}/docs/${name}`, { from: `docs/${name}` });
  }
  const completion = await mustRun(process.execPath, [join(ROOT, 'cmd', 'main.ts'), 'completion']);
  await write(folder, 'usr/share/bash-completion/completions/regcache', completion);
  // For certificates and keys: the group that may read them is set where the group is made.
  await makeFolder(join(folder, 'etc/regcache/tls'));
  const control = await readControl();
  const changes = await readFile(join(ROOT, 'CHANGELOG.md'), 'utf8');
  const changelog = debianChangelog(changes, { version, maintainer: control.maintainer, date: modifiedAt });
  await write(folder, `${DOC}/changelog.gz`, compressed(Buffer.from(changelog)));
  const files = await filesBelow(folder);
  await write(folder, 'DEBIAN/md5sums', await checksums(folder, files));
  await write(folder, 'DEBIAN/conffiles', `/${CONFIG}\n`);
  const installedSize = String(await sizeKib(folder, files));
  await write(folder, 'DEBIAN/control', control.textFor({ ...options, installedSize }));
  for (const name of SCRIPTS)
    await put(folder, `DEBIAN/${name}`, { from: `deploy/debian/${name}`, mode: 0o755 });
  await setTimes(folder, modifiedAt);
}

interface Control {
  readonly maintainer: string;
  textFor(values: { version: string; architecture: string; installedSize: string }): string;
}

async function readControl(): Promise<Control> {
  const text = await readFile(join(ROOT, 'deploy', 'debian', 'control'), 'utf8');
  const maintainer = /^Maintainer: (.+)$/m.exec(text)?.[1];
  if (maintainer === undefined) throw new Error('deploy/debian/control names no maintainer');
  return {
    maintainer,
    textFor: ({ version, architecture, installedSize }) =>
      text
        .replace('{version}', version)
        .replace('{architecture}', architecture)
        .replace('{installedSize}', installedSize),
  };
}

async function put(folder: string, path: string, { from, mode = 0o644, gzip }: Entry): Promise<void> {
  const source = resolve(ROOT, from);
  if (gzip === true) {
    await write(folder, path, compressed(await readFile(source)));
    return;
  }
  const to = join(folder, path);
  await makeFolder(dirname(to));
  await copyFile(source, to);
  await chmod(to, mode);
}

async function write(folder: string, path: string, content: string | Uint8Array): Promise<void> {
  const to = join(folder, path);
  await makeFolder(dirname(to));
  await writeFile(to, content);
  await chmod(to, 0o644);
}

/** Whatever the umask says: packages are for everybody. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let folder = path; folder.length >= first.length; folder = dirname(folder)) await chmod(folder, 0o755);
}

function compressed(content: Buffer): Uint8Array {
  return gzipSync(content, { level: 9 });
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).toSorted();
}

async function checksums(folder: string, files: readonly string[]): Promise<string> {
  const lines: string[] = [];
  for (const file of files) {
    if (file === CONFIG) continue;
    const hash = createHash('md5').update(await readFile(join(folder, file)));
    lines.push(`${hash.digest('hex')}  ${file}\n`);
  }
  return lines.join('');
}

/** As dpkg-gencontrol counts: each file in whole KiB. */
async function sizeKib(folder: string, files: readonly string[]): Promise<number> {
  let kib = 0;
  for (const file of files) kib += Math.ceil((await stat(join(folder, file))).size / 1024);
  return kib;
}

async function setTimes(folder: string, at: Date): Promise<void> {
  const entries = await readdir(folder, { recursive: true });
  for (const entry of [...entries.toSorted().toReversed(), '.']) await lutimes(join(folder, entry), at, at);
}
