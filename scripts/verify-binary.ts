/**
 * Runs the linux-x64 binary in a bare Debian root, without Node and without any package beside the base system: serve
 * with a pull through it, bench, doctor, certs, top. Needs root, debootstrap and the binary.
 * `npm run verify:binary [-- --suite bookworm --root FOLDER]`, where a root in that folder is kept and used again.
 */
import { access, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Program } from '../fixtures/program.ts';
import { mustRun, runProgram } from '../fixtures/run-program.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';
import { ROOT } from './bundle.ts';
import { findProgram } from './find-program.ts';
import { tryInRoot } from './verify-in-root.ts';

const BINARY = join(ROOT, 'dist', 'regcache-linux-x64');
const PLACE = '/usr/local/bin/regcache';
/** All of glibc and GCC's runtime: what Debian's essential packages have. */
const LIBRARIES = /^(?:linux-vdso|ld-linux-x86-64|libc|libdl|libgcc_s|libm|libpthread|libstdc\+\+)\.so\./;

const { values: options } = parseArgs({
  options: { suite: { type: 'string', default: 'bookworm' }, root: { type: 'string' } },
});

async function missing(): Promise<readonly string[]> {
  return [
    ...(process.getuid?.() === 0 ? [] : ['root’s rights, for chroot and mount']),
    ...(findProgram('debootstrap') === undefined ? ['debootstrap (Debian package debootstrap)'] : []),
    ...((await isThere(BINARY)) ? [] : [`${BINARY}: run \`npm run package\` first`]),
  ];
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

/** The libraries that the binary asks for. @throws where one is not of the base system */
async function libraries(): Promise<readonly string[]> {
  const names = Array.from(
    (await mustRun('ldd', [BINARY])).matchAll(/^\s*(?:\S*\/)?(\S+)/gm),
    ([, name = '']) => name,
  );
  const other = names.filter((name) => !LIBRARIES.test(name));
  if (other.length > 0) throw new Error(`the binary needs ${other.join(', ')}`);
  return names;
}

async function makeRoot(root: string): Promise<void> {
  if (!(await isThere(join(root, 'etc')))) {
    const mirrors = await mustRun('apt-get', ['indextargets', '--format', '$(SITE)']);
    const [mirror = ''] = mirrors.split('\n');
    await mkdir(root, { recursive: true });
    await mustRun('debootstrap', ['--variant=minbase', options.suite, root, mirror], { timeoutMs: 900_000 });
  }
  const node = await runProgram('chroot', [root, 'sh', '-c', 'command -v node nodejs npm']);
  if (node.stdout !== '') throw new Error(`the root has a Node: ${node.stdout}`);
  await mkdir(join(root, 'usr', 'local', 'bin'), { recursive: true });
  await copyFile(BINARY, join(root, PLACE));
}

/** This machine's own files and ways out are not the root's. */
const NOT_INHERITED = [
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  ...['http', 'https', 'all', 'no'].flatMap((word) => [`${word}_proxy`, `${word.toUpperCase()}_PROXY`]),
];

/** The mount of /proc lives and dies with the program: it has its own view of what is mounted. */
function inRoot(root: string): Program {
  const script = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"';
  const unset = NOT_INHERITED.flatMap((name) => ['-u', name]);
  const unshare = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script];
  return { file: 'env', args: [...unset, ...unshare, root, PLACE] };
}

const lacking = await missing();
if (lacking.length > 0) {
  console.error(`this cannot be tried here, there is no\n${lacking.map((each) => `  ${each}`).join('\n')}`);
  process.exitCode = 1;
} else {
  console.log(`✔ ldd: ${(await libraries()).join(' ')}`);
  await using folder = await tempFolder('root');
  const root = options.root ?? join(folder.path, 'root');
  await makeRoot(root);
  const packages = await mustRun('chroot', [root, 'dpkg-query', '-W', '-f', '${Package}\n']);
  console.log(
    `✔ a Debian ${options.suite} root with ${packages.trim().split('\n').length} packages, and no Node`,
  );
  await tryInRoot(inRoot(root), root, (line) => console.log(`✔ ${line}`));
}
