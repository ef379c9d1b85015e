import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ask } from '../fixtures/client.ts';
import { startEmbeddedOrigin } from '../fixtures/embedded-origin.ts';
import type { Program } from '../fixtures/program.ts';
import { startRegcache } from '../fixtures/regcache-process.ts';
import { mustRun } from '../fixtures/run-program.ts';
import { makeCertificateAuthority } from '../src/certs/certificate-authority.ts';
import { seedImage } from '../src/bench/image/seeded-image.ts';
import { pullImage } from './demo-pull.ts';

const BENCH = ['--rounds', '2', '--image-shape', '3x64KiB'];

/**
 * Runs one command after the other in a root folder, as its operator would.
 * @param program the binary, as it is started in that root
 * @throws at the first that fails
 */
export async function tryInRoot(program: Program, root: string, tell: (line: string) => void): Promise<void> {
  const run = async (...args: string[]): Promise<string> =>
    await mustRun(program.file, [...program.args, ...args], { timeoutMs: 300_000 });
  const folder = join(root, 'srv', 'regcache');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  tell(`--version --json: ${(await run('--version', '--json')).trim()}`);

  await run('certs', 'dev', 'localhost,127.0.0.1', '--out', '/srv/regcache');
  const tree = await run('certs', 'inspect', '/srv/regcache/localhost.pem', '/srv/regcache/ca.pem');
  tell(
    `certs dev, certs inspect: ${String(tree.split('\n').find((line) => line.includes('localhost'))).trim()}`,
  );

  const authority = await makeCertificateAuthority('origin CA');
  await authority.write(folder, 'origin-ca');
  await using origin = await startEmbeddedOrigin({ tls: await authority.issue() });
  const image = await seedImage({ seed: 'root', layerBytes: [5_000_000, 300_000] });
  origin.addImage('lib/app', 'v1', image);
  await writeFile(join(folder, 'config.yml'), JSON.stringify(configuration(origin.url)));
  const config = ['--config', '/srv/regcache/config.yml'];
  await using regcache = await startRegcache({ program, configPath: '/srv/regcache/config.yml' });
  const ca = await mustRun('cat', [join(folder, 'ca.pem')]);
  for (let pull = 0; pull < 2; pull += 1) {
    await pullImage((path, how) => ask(`${regcache.url}${path}`, { ...how, ca }), 'lib/app', 'v1');
  }
  const downloads = origin.requests.filter(
    ({ method, path }) => method === 'GET' && path.includes('/blobs/'),
  );
  if (downloads.length !== image.blobs.length) throw new Error(`${downloads.length} blobs were fetched`);
  tell(`serve over TLS: two pulls through it, ${downloads.length} blobs fetched once each`);

  const checked = await run('certs', 'check', '--days', '1', ...config);
  tell(`certs check: ${checked.trim().split('\n').length} certificates are good`);
  const doctor = await run('doctor', ...config, '--image', 'lib/app:v1');
  tell(`doctor: ${doctor.trim().split('\n').at(-1)}`);
  const help = await run('--help');
  if (/^ {2}regcache top/m.test(help)) {
    await run('top', '--help');
    const once = await run('top', '--once', ...config);
    tell(`top --help, top --once: ${once.split('\n')[0]}`);
  } else {
    tell('top: this program has none');
  }
  const code = await regcache.stop();
  if (code !== 0) throw new Error(`serve ended with ${code}: ${regcache.said}`);
  tell('serve ends on SIGTERM');

  const bench = await run('bench', 'asia,china', ...BENCH);
  tell(`bench asia,china:\n${bench.trimEnd().replaceAll(/^/gm, '    ')}`);
}

function configuration(originUrl: string): unknown {
  return {
    version: 0.1,
    storage: { delete: { enabled: true }, filesystem: { rootdirectory: '/srv/regcache/store' } },
    http: {
      addr: '127.0.0.1:0',
      tls: { certificate: '/srv/regcache/localhost.pem', key: '/srv/regcache/localhost-key.pem' },
    },
    middleware: {
      registry: [
        {
          name: 'downstream',
          options: {
            blobttl: '24h',
            upstreams: [{ originhost: originUrl }],
            cas: ['/srv/regcache/origin-ca.pem'],
          },
        },
      ],
    },
  };
}
