import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { makeCertificateAuthority } from '../src/certs/certificate-authority.ts';
import { seedImage } from '../src/bench/image/seeded-image.ts';
import type { BenchResult, Phase, VariantResult } from '../src/bench/result.ts';
import { startEmbeddedOrigin } from '../fixtures/embedded-origin.ts';
import { startDistributionCache, startOwnCache } from '../fixtures/far-peers.ts';
import { freePort } from '../fixtures/free-port.ts';
import { needPeers } from '../fixtures/peers.ts';
import { PROGRAM } from '../fixtures/program.ts';
import { runRegcache } from '../fixtures/regcache-process.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';

/** Links that take next to no time: what is tested is what is counted, not how fast it is. */
const NEAR = ['client-china=rtt:1ms', 'china-asia=rtt:2ms', 'asia-origin=rtt:3ms'].flatMap((link) => [
  '--link',
  `${link},loss:0%`,
]);
const SMALL = ['--image-shape', '3x20KiB', ...NEAR];

function variantOf({ variants }: BenchResult, name: string): VariantResult {
  const variant = variants.find((each) => each.name === name);
  if (variant === undefined) throw new Error(`no variant ${name}`);
  return variant;
}

function phaseOf({ phases }: VariantResult, kind: Phase['kind'], concurrency = 1): Phase {
  const phase = phases.find((each) => each.kind === kind && each.concurrency === concurrency);
  if (phase === undefined) throw new Error(`no ${kind} phase`);
  return phase;
}

describe('with no configuration at all', () => {
  test(
    'it makes an origin, daemons and links, measures, and leaves nothing behind',
    { timeout: 120_000 },
    async () => {
      await using folder = await tempFolder('bench');
      const ran = await runRegcache(
        [
          'bench',
          'asia,china',
          '--rounds',
          '2',
          '--concurrency',
          '1,3',
          '--json',
          '--require',
          'china.warm.failures<1',
          '--require',
          'china.warm.p95<1ms',
          ...SMALL,
        ],
        { env: { TMPDIR: folder.path, REGISTRY_HTTP_ADDR: ':1', HTTPS_PROXY: 'http://127.0.0.1:1' } },
      );
      expect(ran.stderr).toMatch(/^✔ china\.warm\.failures<1: 0$/m);
      expect(ran.stderr).toMatch(/^✖ china\.warm\.p95<1ms: /m);
      expect(ran.exitCode).toBe(3);
      await expect(readdir(folder.path)).resolves.toEqual([]);
      const result = JSON.parse(ran.stdout) as BenchResult;
      expect(result).toMatchObject({ version: 1, mode: 'embedded', interrupted: false });
      expect(result.variants.map(({ name, hops, problem }) => [name, hops, problem])).toEqual([
        ['direct', [], undefined],
        ['asia', ['asia'], undefined],
        ['china', ['china', 'asia'], undefined],
      ]);
      const china = variantOf(result, 'china');
      const cold = phaseOf(china, 'cold');
      expect(cold.pulls.map(({ round, held, error }) => [round, held, error])).toEqual([
        [1, 'nothing', undefined],
        [2, 'nothing', undefined],
      ]);
      expect(phaseOf(china, 'warm').pulls.map(({ held }) => held)).toEqual(['all', 'all', 'all', 'all']);
      expect(phaseOf(china, 'cold', 3).pulls).toHaveLength(6);
      expect(cold.outcomes.map(({ hop }) => hop)).toEqual(['china', 'asia']);
      expect(cold.outcomes[0]?.counts.hit).toBeUndefined();
      expect(phaseOf(china, 'warm').outcomes[0]?.counts.hit).toBe(20);
      expect(cold.waits.map(({ hop }) => hop)).toEqual(['china', 'asia']);
      // Each image once, whoever asked how often; a warm pull asks for its tag alone.
      const image = result.images[0]?.totalBytes ?? 0;
      const [atChina, atAsia, atOrigin] = china.traffic;
      expect([atChina?.server, atAsia?.server, atOrigin?.server]).toEqual(['china', 'asia', 'origin']);
      expect(atOrigin?.bytes).toBeGreaterThan(4 * image);
      expect(atOrigin?.bytes).toBeLessThan(4.2 * image);
      expect(atChina?.bytes).toBeGreaterThan(20 * image);
      expect(result.links.map(({ name }) => name).toSorted()).toEqual([
        'asia-origin',
        'china-asia',
        'client-asia',
        'client-china',
        'client-origin',
      ]);
      for (const link of result.links)
        expect(link.measuredRoundTripMs).toBeGreaterThanOrEqual(link.roundTripMs * 0.9);
      expect(result.comparisons.length).toBeGreaterThan(0);
      expect(result.verdict.sentences.at(-1)).toContain('at least 6 rounds');
    },
  );

  test(
    'settings of bench.yml reach the caches, and a result is kept, compared and reported',
    { timeout: 120_000 },
    async () => {
      await using folder = await tempFolder('bench');
      const [config, saved, report] = ['bench.yml', 'old.json', 'out.html'].map((name) =>
        join(folder.path, name),
      );
      if (config === undefined || saved === undefined || report === undefined) throw new Error('no paths');
      await writeFile(
        config,
        'version: 1\nrounds: 1\nvariants: {plain: [china], believing: {hops: [china], options: {tagttl: 1h}}}\n',
      );
      const first = await runRegcache(['bench', '-c', config, '--save', saved, '--report', report, ...SMALL]);
      expect(first.exitCode).toBe(0);
      expect(first.stdout).toMatch(/^plain +cold/m);
      const result = JSON.parse(await readFile(saved, 'utf8')) as BenchResult;
      const revalidations = ({ phases }: VariantResult): number =>
        phases.find(({ kind }) => kind === 'warm')?.waits[0]?.requests ?? 0;
      expect(revalidations(variantOf(result, 'plain'))).toBe(2);
      expect(revalidations(variantOf(result, 'believing'))).toBe(0);
      await expect(readFile(report, 'utf8')).resolves.toMatch(/^<!doctype html>[^]*believing/i);
      const second = await runRegcache(['bench', 'plain', '-c', config, '--csv', ...SMALL]);
      expect(second.stdout.split('\r\n')[1]).toMatch(/^direct,,direct,1,1,/);
      const third = await runRegcache(['bench', 'plain', '-c', config, '--compare', saved, ...SMALL]);
      expect(third.stdout).toMatch(
        /compared with .*old\.json\n {2}direct .*no difference that these pulls can show/,
      );
    },
  );

  test('Ctrl-C ends every process, and what is known is printed', { timeout: 60_000 }, async () => {
    await using folder = await tempFolder('bench');
    const child = spawn(
      PROGRAM.file,
      [...PROGRAM.args, 'bench', 'asia,china', '--rounds', '500', '--json', ...SMALL],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, TMPDIR: folder.path },
      },
    );
    const out = text(child.stdout);
    const closed = once(child, 'close');
    let said = '';
    for await (const chunk of child.stderr) {
      said += String(chunk);
      if (/^3\/1500 /m.test(said)) break;
    }
    const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
    const daemons = children.split(' ').filter((pid) => pid !== '');
    expect(daemons).toHaveLength(3);
    child.kill('SIGINT');
    await expect(closed).resolves.toEqual([130, null]);
    const result = JSON.parse(await out) as BenchResult;
    expect(result.interrupted).toBe(true);
    expect(phaseOf(variantOf(result, 'direct'), 'direct').pulls.length).toBeGreaterThan(0);
    for (const pid of daemons) {
      // The pid may belong to somebody else by now.
      await expect(readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).resolves.not.toContain(
        folder.path,
      );
    }
    await expect(readdir(folder.path)).resolves.toEqual([]);
  });
});

describe('with real servers', () => {
  test(
    'each has a row or says what is wrong, and the others are measured',
    { timeout: 120_000 },
    async (context) => {
      needPeers(context, 'docker-registry');
      await using folder = await tempFolder('bench');
      await using origin = await startEmbeddedOrigin();
      origin.addImage('lib/app', 'v1', await seedImage({ seed: 'live', layerBytes: [20_000, 3000] }));
      origin.addImage('lib/app', 'v2', await seedImage({ seed: 'live 2', layerBytes: [20_000, 3000] }));
      await using asia = await startOwnCache(origin.url);
      // One level: behind another one it is asked for each cold blob twice at once, and then fails one of the two.
      await using distribution = await startDistributionCache(origin.url);
      const stranger = await makeCertificateAuthority('stranger');
      await using untrusted = await startEmbeddedOrigin({ tls: await stranger.issue() });
      await using empty = await startEmbeddedOrigin();
      const config = join(folder.path, 'bench.yml');
      const urls = {
        asia: asia.url,
        distribution: distribution.url,
        dead: `http://127.0.0.1:${await freePort()}`,
        untrusted: untrusted.url,
        empty: empty.url,
      };
      const hops = Object.entries(urls).map(([name, url]) => `    ${name}: {url: "${url}"}\n`);
      await writeFile(
        config,
        `version: 1\nrounds: 2\nlive:\n  images: ["lib/app:v1", "lib/app:v2"]\n  origin: {url: "${origin.url}"}\n  hops:\n${hops.join('')}`,
      );
      const ran = await runRegcache(['bench', '-c', config, '--json']);
      expect(ran.exitCode).toBe(1);
      const result = JSON.parse(ran.stdout) as BenchResult;
      expect(result.mode).toBe('live');
      expect(phaseOf(variantOf(result, 'asia'), 'cold').pulls.map(({ held }) => held)).toEqual([
        'nothing',
        'nothing',
      ]);
      expect(phaseOf(variantOf(result, 'asia'), 'warm').image?.count).toBe(4);
      const silent = variantOf(result, 'distribution');
      expect(silent.problem).toBeUndefined();
      expect(silent.notes).toEqual([
        'distribution sends no Cache-Status: what it held is unknown, cold stands for first pulls and warm for later ones',
      ]);
      expect(phaseOf(silent, 'warm').image?.count).toBe(4);
      expect(variantOf(result, 'dead').problem).toMatch(/refuses connections: is it running\?/);
      expect(variantOf(result, 'untrusted').problem).toMatch(/its certificate is signed by none of `cas`/);
      expect(variantOf(result, 'empty').problem).toMatch(/answered 404: there is no such image here/);
      const table = await runRegcache(['bench', 'asia,dead', '-c', config, '--rounds', '1']);
      expect(table.stdout).toMatch(/^dead +failed$/m);
      // Held since the run before: told, not guessed.
      expect(table.stdout).toMatch(
        /! asia: 1 pulls that were to be cold found the whole image and count as warm/,
      );
    },
  );

  test('a purge that the operator allows makes cold pulls cold again', { timeout: 60_000 }, async () => {
    await using folder = await tempFolder('bench');
    await using origin = await startEmbeddedOrigin();
    origin.addImage('lib/app', 'v1', await seedImage({ seed: 'purge', layerBytes: [20_000] }));
    await using asia = await startOwnCache(origin.url);
    const [config, marker] = [join(folder.path, 'bench.yml'), join(folder.path, 'purged')];
    const purge = `purge: [sh, -c, "echo purged >> ${marker}"]`;
    await writeFile(
      config,
      `version: 1\nrounds: 3\nlive:\n  images: ["lib/app:v1"]\n  origin: {url: "${origin.url}"}\n  hops:\n    asia: {url: "${asia.url}", ${purge}}\n`,
    );
    const kept = await runRegcache(['bench', '-c', config, '--json']);
    expect(phaseOf(variantOf(JSON.parse(kept.stdout) as BenchResult, 'asia'), 'cold').pulls).toHaveLength(1);
    await expect(readFile(marker, 'utf8')).rejects.toThrow('ENOENT');
    await runRegcache(['bench', '-c', config, '--json', '--allow-purge']);
    await expect(readFile(marker, 'utf8')).resolves.toBe('purged\npurged\npurged\n');
  });
});

test.each([
  [['asai'], 'unknown variant: asai'],
  [['asia', '--json', '--csv'], '--json and --csv both want the standard output'],
  [['asia', '--save', '/nowhere/a.json'], '--save /nowhere/a.json cannot be written (no such file)'],
  [['asia', '--compare', '/nowhere/a.json'], '--compare /nowhere/a.json cannot be read (no such file)'],
  [['asia', '--require', 'asia.warm'], '--require asia.warm: it has not the form of a requirement'],
  [['-c', '/nowhere/bench.yml'], '/nowhere/bench.yml: cannot be read (no such file)'],
])('%j begins nothing: %s', async (args, message) => {
  const ran = await runRegcache(['bench', ...args]);
  expect(ran.exitCode).toBe(2);
  expect(ran.stderr).toContain(message);
});
