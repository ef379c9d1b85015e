import { chmod, copyFile, mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mustRun, runProgram } from '../fixtures/run-program.ts';
import { ROOT } from './bundle.ts';
import { licencesOf } from './program-licences.ts';

/** Debian's package of Mozilla's list; what somebody has added to this machine stays here. */
const AUTHORITIES = '/usr/share/ca-certificates/mozilla';

/** Who regcache is in a container: a number that no distribution gives to anybody. */
const USER = 65_532;

const TEXTS: Readonly<Record<string, string>> = {
  'etc/passwd': `root:x:0:0:root:/:/nologin\nregcache:x:${USER}:${USER}:regcache:/var/lib/regcache:/nologin\n`,
  'etc/group': `root:x:0:\nregcache:x:${USER}:\n`,
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
};

/**
 * Lays out what an image is made of: `root/`, which belongs to root, and `store/`, which belongs to regcache.
 * @throws where this machine is no Debian with `ca-certificates`, or cannot run the program
 */
export async function stageContainerFiles(folder: string, program: string): Promise<void> {
  const root = join(folder, 'root');
  await put(program, join(root, 'usr', 'bin', 'regcache'), 0o755);
  const libraries = await librariesOf(program);
  for (const library of libraries) await put(library, join(root, library), 0o755);
  for (const name of await packagesOf(libraries)) {
    const copyright = `usr/share/doc/${name}/copyright`;
    await put(`/${copyright}`, join(root, copyright));
  }
  const doc = join(root, 'usr/share/doc/regcache');
  await put(join(ROOT, 'LICENSE'), join(doc, 'LICENSE'));
  await put(licencesOf(program), join(doc, 'THIRD-PARTY-LICENSES'));
  await put(join(ROOT, 'deploy/container/config.yml'), join(root, 'etc/regcache/config.yml'));
  for (const [path, text] of Object.entries(TEXTS)) await write(join(root, path), text);
  await write(join(root, 'etc/ssl/certs/ca-certificates.crt'), await authorities());
  await mkdir(join(root, 'var', 'lib'), { recursive: true });
  await mkdir(join(root, 'tmp'), { recursive: true });
  await chmod(join(root, 'tmp'), 0o1777);
  await mkdir(join(folder, 'store'), { recursive: true });
}

/** What the loader would load, and the loader itself. */
async function librariesOf(program: string): Promise<readonly string[]> {
  const output = await mustRun('ldd', [program]);
  const missing = /^\s*(\S+) => not found/m.exec(output)?.[1];
  if (missing !== undefined) throw new Error(`this machine has no ${missing}, to which ${program} is linked`);
  return Array.from(
    output.matchAll(/(?:=> |^\s+)(?<path>\/\S+) \(0x/gm),
    ({ groups }) => groups?.['path'] ?? '',
  );
}

/** Whose files they are: each package's licence goes with them. */
async function packagesOf(files: readonly string[]): Promise<readonly string[]> {
  const names = new Set(['ca-certificates']);
  for (const file of files) {
    // Which of /lib and /usr/lib dpkg knows is a matter of the release.
    const paths = [file, await realpath(file), `/usr${file}`, file.replace(/^\/usr/, '')];
    const { stdout } = await runProgram('dpkg-query', ['--search', ...new Set(paths)]);
    const name = /^(?<name>[a-z0-9.+-]+)(?::[a-z0-9]+)?: \//m.exec(stdout)?.groups?.['name'];
    if (name === undefined) throw new Error(`${file} is of no Debian package`);
    names.add(name);
  }
  return [...names].toSorted();
}

async function authorities(): Promise<string> {
  const names = await readdir(AUTHORITIES).catch((error: unknown) => {
    throw new Error('install ca-certificates: the image gets its authorities', { cause: error });
  });
  const pems = names.toSorted().map(async (name) => readFile(join(AUTHORITIES, name), 'utf8'));
  return (await Promise.all(pems)).map((pem) => `${pem.trim()}\n`).join('');
}

async function put(from: string, to: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
  await chmod(to, mode);
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
