import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { needPeers } from '../fixtures/peers.ts';
import { mustRun } from '../fixtures/run-program.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';

const SCRIPT = join(import.meta.dirname, 'container.ts');
const HEALTH = ['CMD', '/usr/bin/regcache', 'health', '--config', '/etc/regcache/config.yml'];
const Saved = z.tuple([z.object({ Config: z.string(), Layers: z.tuple([z.string()]) })]);

/** Makes an image of a program, and unpacks the file that it is. */
async function makeImage(
  program: string,
  name: string,
): Promise<{ folder: string; saved: z.infer<typeof Saved>[0] }> {
  const out = join(dirname(program), name);
  const args = ['--program', program, '--version', '1.2.3', '--out', out];
  await mustRun(process.execPath, [SCRIPT, ...args], { env: { SOURCE_DATE_EPOCH: '1700000000' } });
  const sums = ['-c', 'cd "$0" && sha256sum --check SHA256SUMS', out];
  expect(await mustRun('sh', sums)).toBe('regcache-1.2.3-amd64.image.tar: OK\n');
  await mustRun('tar', ['xf', join(out, 'regcache-1.2.3-amd64.image.tar'), '-C', out]);
  const [saved] = Saved.parse(JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8')));
  return { folder: out, saved };
}

it('the same program makes the same layer, of it and its libraries alone, for a user who is not root', async (context) => {
  needPeers(context, 'buildah');
  await using folder = await tempFolder('container');
  const program = join(folder.path, 'regcache');
  await copyFile('/bin/true', program);
  await writeFile(join(folder.path, 'THIRD-PARTY-LICENSES'), 'Node is licensed as follows');
  const [first, second] = [await makeImage(program, 'one'), await makeImage(program, 'two')];
  expect(first.saved.Layers).toEqual(second.saved.Layers);
  const { saved, folder: unpacked } = first;
  expect(JSON.parse(await readFile(join(unpacked, saved.Config), 'utf8'))).toMatchObject({
    architecture: 'amd64',
    created: '2023-11-14T22:13:20Z',
    config: {
      User: '65532:65532',
      Entrypoint: ['/usr/bin/regcache'],
      Cmd: ['serve', '--config', '/etc/regcache/config.yml'],
      ExposedPorts: { '5000/tcp': {} },
      Volumes: { '/var/lib/regcache': {} },
      Healthcheck: { Test: HEALTH },
      Labels: { 'org.opencontainers.image.version': '1.2.3' },
    },
  });
  const layer = join(unpacked, saved.Layers[0]);
  const listed = await mustRun('tar', ['tvf', layer, '--numeric-owner']);
  expect(listed).toMatch(/^-rwxr-xr-x 0\/0 .* usr\/bin\/regcache$/m);
  expect(listed).toMatch(/^drwxr-xr-x 65532\/65532 .* var\/lib\/regcache\/$/m);
  expect(listed).toMatch(/^drwxr-xr-x 0\/0 .* var\/lib\/$/m);
  expect(listed).toMatch(/ usr\/share\/doc\/libc6\/copyright$/m);
  expect(listed).not.toMatch(/ (?:usr\/)?bin\/(?:sh|bash|busybox)$/m);
  // The loader finds every library within the image, and no other program is needed to run this one.
  await mustRun('tar', ['xf', layer, '-C', unpacked]);
  await mustRun('chroot', [unpacked, '/usr/bin/regcache']);
});

it('the image trusts Mozilla’s authorities, and none that this machine was told to trust beside them', async (context) => {
  needPeers(context, 'buildah');
  const { stageContainerFiles } = await import('./container-files.ts');
  await using folder = await tempFolder('container');
  const program = join(folder.path, 'regcache');
  await copyFile('/bin/true', program);
  await writeFile(join(folder.path, 'THIRD-PARTY-LICENSES'), 'Node is licensed as follows');
  await stageContainerFiles(join(folder.path, 'context'), program);
  const bundle = join(folder.path, 'context', 'root', 'etc/ssl/certs/ca-certificates.crt');
  const trusted = (await readFile(bundle, 'utf8')).match(/-----BEGIN CERTIFICATE-----/g);
  expect(trusted).toHaveLength((await readdir('/usr/share/ca-certificates/mozilla')).length);
});
