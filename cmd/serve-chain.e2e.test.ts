import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest';
import { type Chain, startChain } from '../fixtures/chain.ts';
import { makeCertificateAuthority } from '../src/certs/certificate-authority.ts';
import { type DockerRegistry, startDockerRegistry } from '../fixtures/docker-registry.ts';
import { missingPeers, needPeers } from '../fixtures/peers.ts';
import { buildRealImage, pushRealImage, type RealImage } from '../fixtures/real-image.ts';
import { mustRun } from '../fixtures/run-program.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';

const CLIENTS = ['docker-registry', 'umoci', 'skopeo', 'podman'] as const;

interface World {
  readonly folder: string;
  readonly image: RealImage;
  readonly origin: DockerRegistry;
  readonly authority: Awaited<ReturnType<typeof makeCertificateAuthority>>;
}

const cleanup = new AsyncDisposableStack();
let world: World | undefined;

beforeAll(async () => {
  if (missingPeers(...CLIENTS).length > 0) return;
  const folder = cleanup.use(await tempFolder('real')).path;
  const authority = await makeCertificateAuthority('origin CA');
  const origin = cleanup.use(await startDockerRegistry({ authority }));
  const image = await buildRealImage(folder);
  const certDir = join(folder, 'origin-certs');
  await rename(await authority.write(certDir, 'ca'), join(certDir, 'ca.crt'));
  await pushRealImage(image, `${origin.host}/lib/debian:v1`, certDir);
  world = { folder, image, origin, authority };
});

afterAll(async () => {
  await cleanup.disposeAsync();
});

test('skopeo copies a real image through two caches: the origin sends each blob once, and never again', async (context) => {
  const { folder, image, origin, authority } = real(context);
  await using chain = await startChain({ originUrl: origin.url, originAuthority: authority });
  expect(image.blobs.length).toBeGreaterThanOrEqual(4);
  expect(Math.max(...image.blobs.map((blob) => blob.sizeBytes))).toBeGreaterThanOrEqual(100_000_000);
  for (const pull of ['first', 'second']) {
    origin.requests.length = 0;
    const into = join(folder, `skopeo-${pull}`);
    await skopeoCopy(chain, into);
    const manifest = await readFile(join(into, 'manifest.json'));
    expect(sha256(manifest)).toBe(image.manifestDigest);
    for (const blob of image.blobs) {
      await expect(sha256OfFile(join(into, blob.digest.slice('sha256:'.length)))).resolves.toBe(blob.digest);
      await expect.poll(() => origin.count('GET', `/blobs/${blob.digest}`)).toBe(pull === 'first' ? 1 : 0);
    }
  }
});

test('podman pulls a real image through two caches: the origin sends each blob once, and never again', async (context) => {
  const { folder, image, origin, authority } = real(context);
  await using chain = await startChain({ originUrl: origin.url, originAuthority: authority });
  for (const pull of ['first', 'second']) {
    origin.requests.length = 0;
    const podman = podmanIn(join(folder, `podman-${pull}`));
    const name = `${hostOf(chain)}/lib/debian:v1`;
    await podman('pull', '--quiet', '--cert-dir', chain.certDir, name);
    const told: unknown = JSON.parse(await podman('image', 'inspect', name));
    expect(told).toMatchObject([
      { Digest: image.manifestDigest, Id: image.blobs[0]?.digest.slice('sha256:'.length) },
    ]);
    for (const blob of image.blobs) {
      await expect.poll(() => origin.count('GET', `/blobs/${blob.digest}`)).toBe(pull === 'first' ? 1 : 0);
    }
    await podman('image', 'rm', '--all', '--force');
  }
});

function real(context: TestContext): World {
  needPeers(context, ...CLIENTS);
  if (world === undefined) throw new Error('the origin was not set up');
  return world;
}

function hostOf(chain: Chain): string {
  return new URL(chain.china.url).host;
}

async function skopeoCopy(chain: Chain, into: string): Promise<void> {
  const source = `docker://${hostOf(chain)}/lib/debian:v1`;
  await mustRun('skopeo', [
    '--insecure-policy',
    'copy',
    '--quiet',
    '--preserve-digests',
    '--src-cert-dir',
    chain.certDir,
    source,
    `dir:${into}`,
  ]);
}

/** A podman that has nothing yet. */
function podmanIn(folder: string): (...args: string[]) => Promise<string> {
  const global = [
    '--root',
    join(folder, 'root'),
    '--runroot',
    join(folder, 'run'),
    '--storage-driver',
    'vfs',
  ];
  return async (...args) => mustRun('podman', [...global, ...args], { env: { DOCKER_CONFIG: undefined } });
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) hash.update(piece);
  return `sha256:${hash.digest('hex')}`;
}
