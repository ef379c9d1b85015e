import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { needPeers } from '../fixtures/peers.ts';
import { mustRun, type Ran, runProgram } from '../fixtures/run-program.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';

const SCRIPT = join(import.meta.dirname, 'debian-package.ts');

/** Makes a package of a program, whose licences lie beside it. */
async function makePackage(program: string, out: string): Promise<Ran> {
  const args = ['--program', program, '--version', '1.2.3', '--out', out, '--no-compression'];
  return await runProgram(process.execPath, [SCRIPT, ...args], { env: { SOURCE_DATE_EPOCH: '1700000000' } });
}

/** A small program of this machine. */
async function smallProgram(folder: string): Promise<string> {
  const program = join(folder, 'regcache');
  await copyFile('/bin/true', program);
  await writeFile(join(folder, 'THIRD-PARTY-LICENSES'), 'Node is licensed as follows');
  return program;
}

it('the same program makes the same package, and what it is made of is in its place', async (context) => {
  needPeers(context, 'dpkg-deb');
  await using folder = await tempFolder('deb');
  const program = await smallProgram(folder.path);
  const files: Buffer[] = [];
  for (const out of ['one', 'two']) {
    const ran = await makePackage(program, join(folder.path, out));
    expect(ran.stderr).toBe('');
    files.push(await readFile(join(folder.path, out, 'regcache_1.2.3_amd64.deb')));
  }
  expect(files[0]?.equals(files[1] ?? Buffer.alloc(0))).toBe(true);
  const file = join(folder.path, 'one', 'regcache_1.2.3_amd64.deb');
  const sums = ['-c', 'cd "$0" && sha256sum --check SHA256SUMS', join(folder.path, 'one')];
  expect(await mustRun('sh', sums)).toBe('regcache_1.2.3_amd64.deb: OK\n');
  const listed = (await mustRun('dpkg-deb', ['--contents', file])).split('\n');
  const contents = listed
    .map((line) => line.split(/\s+/))
    .map(([mode, owner, , , , path]) => ({ mode, owner, path }));
  const has = (mode: string, path: string): void =>
    expect(contents).toContainEqual({ mode, owner: 'root/root', path });
  has('-rwxr-xr-x', './usr/bin/regcache');
  has('-rw-r--r--', './etc/regcache/config.yml');
  has('drwxr-xr-x', './etc/regcache/tls/');
  has('-rw-r--r--', './usr/lib/systemd/system/regcache.service');
  has('-rw-r--r--', './usr/lib/sysusers.d/regcache.conf');
  has('-rw-r--r--', './usr/share/man/man1/regcache.1.gz');
  has('-rw-r--r--', './usr/share/bash-completion/completions/regcache');
  has('-rw-r--r--', './usr/share/doc/regcache/THIRD-PARTY-LICENSES.gz');
  has('-rw-r--r--', './usr/share/doc/regcache/changelog.gz');
  expect(await mustRun('dpkg-deb', ['--info', file, 'conffiles'])).toBe('/etc/regcache/config.yml\n');
});

it('the package depends on the libraries that Node is linked to', async (context) => {
  needPeers(context, 'dpkg-deb');
  await using folder = await tempFolder('deb');
  await makePackage(await smallProgram(folder.path), folder.path);
  const depends = await mustRun('dpkg-deb', [
    '--field',
    join(folder.path, 'regcache_1.2.3_amd64.deb'),
    'Depends',
  ]);
  const libraries = (await mustRun('ldd', [process.execPath])).matchAll(/=> (?<path>\/\S+)/g);
  for (const { groups } of libraries) {
    const found = await runProgram('dpkg-query', ['--search', `*${groups?.['path'] ?? ''}`]);
    const [, owner] = /^(?<name>[^:]+):/.exec(found.stdout) ?? [];
    expect(depends.split(/[ ,]+/)).toContain(owner);
  }
});

it('a program for arm64 makes a package for arm64', async (context) => {
  needPeers(context, 'dpkg-deb');
  await using folder = await tempFolder('deb');
  const program = await smallProgram(folder.path);
  const bytes = await readFile(program);
  bytes.writeUInt16LE(0xb7, 18);
  await writeFile(program, bytes);
  expect((await makePackage(program, folder.path)).stdout).toContain('regcache_1.2.3_arm64.deb');
});

it.each([
  ['no program at all', undefined, 'npm run package'],
  ['a script', '#!/bin/sh\n', 'is no program for Linux'],
])('%s is refused', async (_case, content, problem) => {
  await using folder = await tempFolder('deb');
  const program = join(folder.path, 'regcache');
  if (content !== undefined) await writeFile(program, content);
  const ran = await makePackage(program, folder.path);
  expect(ran.exitCode).toBe(1);
  expect(ran.stderr).toContain(problem);
});
