import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { startControlDaemon } from '../fixtures/control-daemon.ts';
import { seededSnapshot } from '../fixtures/seeded-snapshot.ts';
import { controlTargetText } from '../src/control/control-target.ts';

interface Ended {
  readonly code: number;
  readonly err: string;
}

/** @param out a file's descriptor; undefined: a pipe that nobody reads any more */
async function run(args: readonly string[], out?: number): Promise<Ended> {
  const main = join(import.meta.dirname, 'main.ts');
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', out ?? 'pipe', 'pipe'] });
  child.stdout?.destroy();
  const ended = once(child, 'close');
  const err = child.stderr === null ? '' : await text(child.stderr);
  const [code]: unknown[] = await ended;
  return { code: Number(code), err };
}

const hasFullDevice = existsSync('/dev/full');

test.skipIf(!hasFullDevice).each([[['--version']], [['stats', '--help']]])(
  'what %j cannot write ends it with one line and 1',
  async (args) => {
    await using full = await open('/dev/full', 'w');
    expect(await run(args, full.fd)).toEqual({
      code: 1,
      err: 'regcache: the output cannot be written: ENOSPC\n',
    });
  },
);

test.skipIf(!hasFullDevice)('so does a report of top', async () => {
  await using daemon = await startControlDaemon(seededSnapshot());
  await using full = await open('/dev/full', 'w');
  const ended = await run(['top', '--once', '--connect', controlTargetText(daemon.target)], full.fd);
  expect(ended).toEqual({ code: 1, err: 'regcache: the output cannot be written: ENOSPC\n' });
});

test.each([['--once'], ['--json']])('a reader of top %s that has gone ends it quietly', async (option) => {
  await using daemon = await startControlDaemon(seededSnapshot());
  const ended = await run(['top', option, '--connect', controlTargetText(daemon.target)]);
  expect(ended).toEqual({ code: 0, err: '' });
});
