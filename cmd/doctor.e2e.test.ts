import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { seedImage } from '../src/bench/image/seeded-image.ts';
import {
  type CertificateAuthority,
  makeCertificateAuthority,
  writeCertificate,
} from '../src/certs/certificate-authority.ts';
import type { Report } from '../src/doctor/finding.ts';
import { startChain, startHop } from '../fixtures/chain.ts';
import { startDockerRegistry } from '../fixtures/docker-registry.ts';
import { startEmbeddedOrigin } from '../fixtures/embedded-origin.ts';
import { freePort } from '../fixtures/free-port.ts';
import { needPeers } from '../fixtures/peers.ts';
import { pushImage } from '../fixtures/push-image.ts';
import { PROGRAM } from '../fixtures/program.ts';
import { runRegcache } from '../fixtures/regcache-process.ts';
import { type Ran, runProgram } from '../fixtures/run-program.ts';
import { startSmallRegistry } from '../fixtures/small-registry.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';

const DAY_MS = 86_400_000;

const doctor = async (...args: readonly string[]): Promise<Ran> => await runRegcache(['doctor', ...args]);

function reportsOf({ stdout }: Ran): readonly Report[] {
  return JSON.parse(stdout) as readonly Report[];
}

/** What is wrong, as `name check verdict: seen`. */
function wrong(ran: Ran): readonly string[] {
  return reportsOf(ran).flatMap(({ name, findings }) =>
    findings
      .filter(({ verdict }) => verdict === 'warning' || verdict === 'failed')
      .map(({ check, verdict, seen }) => `${name} ${check} ${verdict}: ${seen}`),
  );
}

interface Setting {
  readonly folder: string;
  readonly upstreams: string;
  readonly cas?: readonly string[];
  readonly more?: string;
  readonly root?: string;
}

/** A configuration with a certificate of its own that is good for a month. */
async function configuration({
  folder,
  upstreams,
  cas = [],
  more = '',
  root = join(folder, 'china-store'),
}: Setting): Promise<string> {
  const own = await makeCertificateAuthority('china CA');
  const tls = await writeCertificate(
    folder,
    'china',
    await own.issue({ notAfter: new Date(Date.now() + 25 * DAY_MS) }),
  );
  const file = join(folder, 'china.yml');
  await writeFile(
    file,
    `version: 0.1
storage:
  filesystem: {rootdirectory: ${root}}
  delete: {enabled: true}
http:
  addr: 127.0.0.1:${await freePort()}
  tls: {certificate: ${tls.certificate}, key: ${tls.key}}
  limits: {connections: 100}
middleware:
  registry:
    - name: downstream
      options:
        ${more}
        upstreams:
${upstreams}
${cas.length === 0 ? '' : `        cas: [${cas.join(', ')}]`}
`,
  );
  return file;
}

async function longLived(authority: CertificateAuthority) {
  return await authority.issue({ notAfter: new Date(Date.now() + 25 * DAY_MS) });
}

describe('a chain that is well', () => {
  test('docker-registry behind asia behind china: nothing to say, and the way up is drawn', async (context) => {
    needPeers(context, 'docker-registry');
    await using folder = await tempFolder('doctor');
    const originAuthority = await makeCertificateAuthority('origin CA');
    await using origin = await startDockerRegistry({ authority: originAuthority });
    await pushImage(
      { url: origin.url, ca: originAuthority.certificatePem },
      'lib/app',
      'v1',
      await seedImage({ seed: 'doctor', layerBytes: [300_000] }),
    );
    await using chain = await startChain({ originUrl: origin.url, originAuthority });
    const [hopCa, originCa] = [join(folder.path, 'hop.pem'), join(folder.path, 'origin.pem')];
    await writeFile(hopCa, chain.ca);
    await writeFile(originCa, originAuthority.certificatePem);
    const upstreams = `          - {originhost: '${origin.url}', upstreamhosts: ['${chain.china.url}']}`;
    const config = await configuration({ folder: folder.path, upstreams, cas: [hopCa, originCa] });
    const ran = await doctor('--config', config, '--image', 'lib/app:v1', '--json');
    // The servers of this test have certificates for a week: that alone is worth a warning.
    expect(wrong(ran).filter((line) => !line.includes(' expiry warning: '))).toEqual([]);
    expect(ran.exitCode).toBe(0);
    const [machine, china, last] = reportsOf(ran);
    expect([machine?.role, china?.role, last?.role]).toEqual(['machine', 'hop', 'origin']);
    expect([china?.server, last?.server]).toEqual(['regcache', 'Distribution']);
    expect(china?.behind).toHaveLength(1);
    const strict = await doctor('--config', config, '--image', 'lib/app:v1', '--strict');
    expect(strict.exitCode).toBe(1);
    expect(strict.stdout).toMatch(/^this machine ─ [\d.]+ ms ─ 127\.0\.0\.1:\d+ ─ \S+$/m);
    expect(strict.stdout).not.toContain('\u001B');
  });

  test('ten set-ups, and no false alarm', { timeout: 120_000 }, async (context) => {
    needPeers(context, 'docker-registry');
    await using folder = await tempFolder('healthy');
    await using cleanup = new AsyncDisposableStack();
    const authority = await makeCertificateAuthority('healthy CA');
    const ca = await authority.write(folder.path, 'ca');
    const pair = await longLived(authority);
    const tls = { cert: pair.certificatePem, key: pair.keyPem };
    const image = await seedImage({ seed: 'healthy', layerBytes: [100_000] });
    const embedded = async (options: Parameters<typeof startEmbeddedOrigin>[0]) => {
      const origin = cleanup.use(await startEmbeddedOrigin(options));
      origin.addImage('lib/app', 'v1', image);
      return origin.url;
    };
    const plain = cleanup.use(await startSmallRegistry());
    const secure = cleanup.use(await startSmallRegistry(tls));
    const old = cleanup.use(await startSmallRegistry({ ...tls, maxVersion: 'TLSv1.2' }));
    const empty = cleanup.use(await startSmallRegistry(tls));
    empty.misbehaviour = ({ url = '' }, response) => {
      if (!url.startsWith('/v2/_catalog')) return false;
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"repositories":[]}');
      return true;
    };
    const debian = cleanup.use(await startDockerRegistry({ authority, certificate: pair }));
    await pushImage({ url: debian.url, ca: authority.certificatePem }, 'lib/app', 'v1', image);
    const locked = cleanup.use(
      await startDockerRegistry({
        authority,
        certificate: pair,
        credentials: { username: 'u', password: 'p' },
      }),
    );
    const hop = cleanup.use(
      await startHop({
        name: 'asia',
        folder: folder.path,
        authority,
        originUrl: debian.url,
        cas: [ca],
        certificate: pair,
      }),
    );
    const limited = cleanup.use(await startSmallRegistry(tls));
    limited.misbehaviour = (_request, response) => {
      response.setHeader('ratelimit-limit', '100;w=21600').setHeader('ratelimit-remaining', '76;w=21600');
      return false;
    };
    const password = join(folder.path, 'password');
    await writeFile(password, 'p\n');
    const one = (url: string, more = ''): string => `          - {originhost: '${url}'${more}}`;
    const setups = [
      one(plain.url.origin),
      one(secure.url.origin),
      one(old.url.origin),
      one(empty.url.origin),
      one(limited.url.origin),
      one(debian.url),
      one(locked.url, `, username: u, passwordfile: '${password}'`),
      one(debian.url, `, upstreamhosts: ['${hop.url}']`),
      one(await embedded({})),
      `${one(debian.url, ', namespace: one.test')}\n${one(secure.url.origin, ', namespace: two.test')}`,
    ];
    for (const upstreams of setups) {
      const config = await configuration({ folder: folder.path, upstreams, cas: [ca] });
      const ran = await doctor('--config', config, '--json', '--strict');
      expect([upstreams, wrong(ran), ran.exitCode]).toEqual([upstreams, [], 0]);
    }
  });
});

describe('a chain that is not', () => {
  test('the middle hop’s certificate expired: that hop and the day are named', async () => {
    await using folder = await tempFolder('expired');
    await using origin = await startSmallRegistry();
    const authority = await makeCertificateAuthority('asia CA');
    const expired = new Date(Date.now() - 3 * DAY_MS);
    const pair = await authority.issue({ notBefore: new Date(Date.now() - 9 * DAY_MS), notAfter: expired });
    const ca = await authority.write(folder.path, 'asia-ca');
    const asiaFolder = join(folder.path, 'asia-folder');
    await mkdir(asiaFolder);
    await using asia = await startHop({
      name: 'asia',
      folder: asiaFolder,
      authority,
      originUrl: origin.url.origin,
      cas: [ca],
      certificate: pair,
    });
    const upstreams = `          - {originhost: '${origin.url.origin}', upstreamhosts: ['${asia.url}']}`;
    const config = await configuration({ folder: folder.path, upstreams, cas: [ca] });
    const ran = await doctor('--config', config);
    expect(ran.exitCode).toBe(2);
    const { host } = new URL(asia.url);
    const day = expired.toISOString().slice(0, 10);
    expect(ran.stdout).toContain(`✖ trust       the certificate CN=localhost of ${host} expired on ${day}\n`);
    expect(ran.stdout).toContain('→ renew it on 127.0.0.1');
    expect(ran.stdout).toContain(`this machine ─✖─ ${host}\n`);
  });

  test('a full disk, few open files and a root that is not writable', async (context) => {
    await using folder = await tempFolder('full');
    await using origin = await startSmallRegistry();
    const root = join(folder.path, 'small-disk');
    await mkdir(root);
    const upstreams = `          - {originhost: '${origin.url.origin}'}`;
    const config = await configuration({ folder: folder.path, upstreams, root });
    const inside = async (script: string): Promise<Ran> => {
      const ran = await runProgram('unshare', [
        '--mount',
        '--map-root-user',
        'sh',
        '-c',
        `root=$1 config=$2; shift 2; ${script}`,
        'sh',
        root,
        config,
        PROGRAM.file,
        ...PROGRAM.args,
      ]);
      if (/unshare failed|Operation not permitted/.test(ran.stderr))
        context.skip('this machine lets nobody mount');
      return ran;
    };
    const run = '"$@" doctor --config "$config" --json';
    const full = await inside(
      `mount -t tmpfs -o size=1m tmpfs "$root"; head -c 2000000 /dev/zero > "$root/big" 2>/dev/null; ${run}`,
    );
    expect(wrong(full)).toEqual([
      expect.stringMatching(/root failed: .*is on a full disk|space failed: 0 MiB of 1 MiB are free/),
    ]);
    const short = await inside(`mount -t tmpfs -o size=100m tmpfs "$root"; ${run}`);
    expect(wrong(short)).toEqual([expect.stringMatching(/space failed: 100 MiB of 100 MiB are free/)]);
    const fixed = await inside(`mount -t tmpfs -o size=1g tmpfs "$root"; ${run}`);
    expect([wrong(fixed), fixed.exitCode]).toEqual([[], 0]);
    const frozen = await inside(`mount -t tmpfs -o size=1g,ro tmpfs "$root"; ${run}`);
    expect(wrong(frozen)).toEqual([expect.stringMatching(/root failed: .*mounted read-only/)]);
    const few = await inside(`mount -t tmpfs -o size=1g tmpfs "$root"; prlimit --nofile=512 ${run}`);
    expect(wrong(few)).toEqual([expect.stringMatching(/files warning: only 512 files/)]);
    const many = await inside(
      `mount -t tmpfs -o size=1g tmpfs "$root"; prlimit --nofile=512:4096 sh -c 'ulimit -n 1124; exec "$@"' sh ${run}`,
    );
    expect(wrong(many)).toEqual([]);
  });
});

describe('the command', () => {
  test.each([
    [['--url', 'asia.test'], /names no scheme/],
    [['--url', 'https://a.test', '--config', 'x.yml'], /each say what to probe/],
    [['--ca', 'x.pem'], /--ca means something with --url only/],
    [['--image', 'UPPER'], /"UPPER" is no image/],
    [['--timeout', '0'], /--timeout: `0` is no whole number/],
    [['--config', 'none.yml'], /cannot be read/],
  ])('%j is refused with the way out', async (args, message) => {
    const ran = await doctor(...args);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '' });
    expect(ran.stderr).toMatch(message);
  });

  test('a black hole does not hold it longer than it may take', async () => {
    await using hole = await startSmallRegistry();
    hole.misbehaviour = () => true;
    const ran = await doctor('--url', hole.url.origin, '--timeout', '2', '--json');
    expect(ran.exitCode).toBe(2);
    expect(wrong(ran)).toEqual([expect.stringContaining('api failed: GET /v2/: no answer in time')]);
  });

  test('--watch looks again and again, until Ctrl-C, and sees the mend', { timeout: 60_000 }, async () => {
    await using registry = await startSmallRegistry();
    registry.misbehaviour = (_request, response) => {
      response.writeHead(500).end();
      return true;
    };
    const child = spawn(
      PROGRAM.file,
      [...PROGRAM.args, 'doctor', '--url', registry.url.origin, '--watch', '--json'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const lines: string[] = [];
    let text = '';
    child.stdout.on('data', (piece: Buffer) => {
      text += piece.toString();
      lines.splice(0, lines.length, ...text.split('\n').slice(0, -1));
    });
    await expect.poll(() => lines.length, { timeout: 20_000 }).toBe(1);
    registry.misbehaviour = undefined;
    await expect.poll(() => lines.length, { timeout: 20_000 }).toBe(2);
    child.kill('SIGINT');
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(0);
    expect([lines[0]?.includes('"failed"'), lines[1]?.includes('"failed"')]).toEqual([true, false]);
  });
});
