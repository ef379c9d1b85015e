import { copyFile, cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest';
import { debianWithPackage, NEXT_VERSION, VERSION } from '../fixtures/debian-cache.ts';
import type { DebianMachine } from '../fixtures/debian-machine.ts';
import { startOriginOn } from '../fixtures/debian-origin.ts';
import { type DocsPage, docsPages } from '../fixtures/docs-page.ts';
import { machinesOf, runPage } from '../fixtures/docs-run.ts';
import { Machine } from '../fixtures/machine.ts';
import { needPackagedProgram } from '../fixtures/packaged-program.ts';
import { needPeers } from '../fixtures/peers.ts';
import { mustRun } from '../fixtures/run-program.ts';
import { tempFolder, type TempFolder } from '../fixtures/temp-folder.ts';

const ROOT = join(import.meta.dirname, '..');
const BUNDLE = '/etc/ssl/certs/ca-certificates.crt';
/** podman's own driver wants a file system of another kind; this kernel's control groups may not be ours to use. */
const STORAGE =
  '[storage]\ndriver = "vfs"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n';
const CONTAINERS = '[containers]\ncgroups = "disabled"\n';

let made: TempFolder;
let page: DocsPage;

beforeAll(async () => {
  made = await tempFolder('deploying');
  const found = (await docsPages()).find(({ file }) => file === 'docs/deploying.md');
  if (found === undefined) throw new Error('docs/deploying.md is missing');
  page = found;
});

afterAll(async () => {
  await made[Symbol.asyncDispose]();
});

test('docs/deploying.md has a test for each of its machines', () => {
  expect(machinesOf(page)).toEqual(['debian', 'plain', 'podman']);
});

test('docs/deploying.md does what it says of the Debian package', async (context) => {
  await using machine = await machineWith(context, VERSION, NEXT_VERSION);
  expect(await runPart('debian', machine)).toBeGreaterThan(1);
});

test('docs/deploying.md does what it says of systemd', async (context) => {
  await using machine = await machineWith(context);
  await cp(join(ROOT, 'deploy'), machine.at('/root/deploy'), { recursive: true });
  await machine.write('/root/dist/regcache-linux-x64', '');
  await copyFile(needPackagedProgram(context), machine.at('/root/dist/regcache-linux-x64'));
  expect(await runPart('plain', machine)).toBeGreaterThan(1);
});

test('docs/deploying.md does what it says of the container', async (context) => {
  needPeers(context, 'podman', 'buildah');
  await using machine = await machineWith(context);
  const program = needPackagedProgram(context);
  const script = join(ROOT, 'scripts', 'container.ts');
  await mustRun(process.execPath, [script, '--program', program, '--version', VERSION, '--out', made.path]);
  const image = `regcache-${VERSION}-amd64.image.tar`;
  await copyFile(join(made.path, image), machine.at(join('/root', image)));
  await machine.sh('rm -rf /var/lib/containers');
  await machine.write('/etc/containers/storage.conf', STORAGE);
  await machine.write('/etc/containers/containers.conf', CONTAINERS);
  expect(await runPart('podman', machine)).toBeGreaterThan(1);
});

/** A machine with a registry, what the page takes for granted, and a system that trusts the authority. */
async function machineWith(context: TestContext, ...versions: readonly string[]): Promise<DebianMachine> {
  needPeers(context, 'docker-registry', 'skopeo');
  const machine = await debianWithPackage(context, made.path, ...versions);
  await startOriginOn(machine);
  const trusted = [BUNDLE, '/root/origin-ca.pem'].map(async (path) => readFile(machine.at(path), 'utf8'));
  await writeFile(machine.at(BUNDLE), (await Promise.all(trusted)).join('\n'));
  // Whoever is root already.
  await machine.write('/usr/local/bin/sudo', '#!/bin/sh\nexec "$@"\n', 0o755);
  return machine;
}

/** Does the steps of the page that are for one machine. @returns how many there were @throws at the first that goes otherwise */
async function runPart(name: string, machine: DebianMachine): Promise<number> {
  await machine.sh('mkdir -p /run/pieces');
  await using shell = new Machine([...machine.enter, 'bash', '--noprofile', '--norc']);
  await shell.run('cd /root');
  const blocks = page.blocks.filter((block, index) => {
    const shown = block.notes.has('output') ? page.blocks[index - 1] : block;
    return (shown?.notes.get('run') ?? shown?.notes.get('on')) === name;
  });
  await runPage({ ...page, blocks, comments: [] }, () => shell);
  return blocks.length;
}
