import { join } from 'node:path';
import { mkdir, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { startEmbeddedOrigin } from '../fixtures/embedded-origin.ts';
import { memoryTerminal } from '../fixtures/memory-terminal.ts';
import { startCache } from '../fixtures/running-cache.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';
import { seededContent } from '../src/bench/image/content.ts';
import type { DayTally } from '../src/control/snapshot.ts';
import { runCli } from './cli.ts';
import { reportError } from './terminal.ts';

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function stats(...args: readonly string[]): Promise<Run> {
  const { terminal, out, err } = memoryTerminal({ HOME: '/home/nobody' });
  let code: number;
  try {
    code = await runCli(['stats', ...args], terminal);
  } catch (error) {
    code = reportError(error, terminal);
  }
  return { code, out: out(), err: err() };
}

/** The configuration of a daemon whose store lies there. */
async function configOf(folder: string, root: string): Promise<string> {
  const file = join(folder, 'config.yml');
  await writeFile(
    file,
    `version: 0.1\nstorage: {filesystem: {rootdirectory: ${root}}}\nproxy: {remoteurl: "https://origin.test"}\n`,
  );
  return file;
}

test.each([
  ['yesterday', 'names no days from 1 to 400 back'],
  ['0d', 'names no days'],
  ['500d', 'names no days'],
  ['2026-13-01', 'names no days'],
  ['2026-02-30', 'names no days'],
  ['2099-01-01', 'names no days'],
])('--since %s is refused with the way out', async (since, message) => {
  const { code, err } = await stats('--since', since);
  expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining(message) });
  expect(err).toContain('write 7d, 4w or a day such as 2026-11-01');
});

test('a store that no daemon has ever had is named, with the socket that was tried', async () => {
  await using folder = await tempFolder('stats');
  const { code, err } = await stats('--config', await configOf(folder.path, '/nowhere/store'));
  expect(code).toBe(1);
  expect(err).toContain(
    '/nowhere/store has no statistics, and no regcache answers on /nowhere/store/regcache/',
  );
  expect(err).toContain('start `regcache serve` with this configuration');
});

test('an index that cannot be read is named, and is not taken for one without statistics', async () => {
  await using folder = await tempFolder('stats');
  const root = join(folder.path, 'store');
  await mkdir(join(root, 'regcache'), { recursive: true });
  await writeFile(join(root, 'regcache', 'index.sqlite'), 'no database at all');
  const { code, err } = await stats('--config', await configOf(folder.path, root));
  expect(code).toBe(1);
  expect(err).toContain(`${root}/regcache/index.sqlite cannot be read: file is not a database`);
  expect(err).toContain('run it as the user that runs `regcache serve`');
});

test('--connect and --config together are refused', async () => {
  const { code, err } = await stats('--connect', '/a.sock', '--config', 'c.yml');
  expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('give one of them') });
});

test('a running daemon is asked, by its configuration, its socket or its debug address, and counts by namespace', async () => {
  await using folder = await tempFolder('stats');
  await using origin = await startEmbeddedOrigin();
  const path = origin.addBlob('lib/app', seededContent('stats', 1_000));
  await using cache = await startCache({ origin: origin.url });
  for (const _ of [1, 2]) await (await cache.ask(path)).digest();
  await cache.tells('request', 2);
  const config = await configOf(folder.path, cache.root);
  const socket = join(cache.root, 'regcache', 'control.sock');
  const { out } = await stats('--config', config, '--json');
  const days = JSON.parse(out) as readonly DayTally[];
  expect(days.map(({ namespace, reads }) => [namespace, reads])).toEqual([[new URL(origin.url).host, 2]]);
  expect((await stats('--connect', socket, '--json')).out).toBe(out);
  expect((await stats('--connect', socket, '--namespace', 'docker.io', '--json')).out).toBe('[]\n');
  const today = new Date().toISOString().slice(0, 10);
  const table = (await stats('--connect', socket, '--since', '2d')).out;
  expect(table).toMatch(new RegExp(`^${today} +2 +`, 'm'));
});
