import { expect, test } from 'vitest';
import { ControlDaemon } from '../../fixtures/control-daemon.ts';
import { memoryTerminal } from '../../fixtures/memory-terminal.ts';
import { seededSnapshot } from '../../fixtures/seeded-snapshot.ts';
import { controlTargetText } from '../../src/control/control-target.ts';
import type { Snapshot } from '../../src/control/snapshot.ts';
import { snapshotShape } from '../../src/control/snapshot-shape.ts';
import { runCli } from '../cli.ts';
import { reportError } from '../terminal.ts';
import { painter } from './paint.ts';
import { reportText } from './report.ts';
import { signsFor } from './signs.ts';
import { statusLine } from './status-line.ts';

const GARBAGE = [undefined, null, true, '', '\u001B[2J', -1, 0, 1e-300, 1e300, [], {}, [null], { a: null }];

/** One entry in each list is as good as hundreds. */
function small(): unknown {
  const { traffic, fills, repositories, pulls, store, ...rest } = seededSnapshot();
  return structuredClone({
    ...rest,
    traffic: { ...traffic, history: traffic.history.slice(0, 1) },
    fills: fills.slice(0, 1),
    repositories: repositories.slice(0, 1),
    pulls: pulls.slice(0, 1),
    store: { ...store, expiring: store.expiring.slice(0, 1) },
  });
}

/** The value with each of its parts, at any depth, replaced by each piece of garbage. */
function* spoiled(value: unknown): Generator {
  yield* GARBAGE;
  if (typeof value !== 'object' || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    for (const other of spoiled(part)) {
      yield Array.isArray(value) ? [other] : { ...value, [key]: other };
    }
  }
}

test('whatever passes for a snapshot can be printed', () => {
  const options = { width: 100, signs: signsFor({}), paint: painter(false) };
  const sent = [...spoiled(small())].map((value): unknown =>
    value === undefined ? undefined : JSON.parse(JSON.stringify(value)),
  );
  const passing = sent.filter((value) => snapshotShape(value, '') === undefined) as Snapshot[];
  const printed = passing.map((value) => `${reportText('x', value, options)}${statusLine('x', value)}`);
  expect(printed.filter((text) => text.includes('\u001B'))).toEqual([]);
  expect(printed.length).toBeGreaterThan(100);
  expect(sent.length - printed.length).toBeGreaterThan(1000);
});

test.each([
  [
    {
      version: 1,
      daemon: 1,
      health: 1,
      traffic: 1,
      fills: 1,
      upstreams: 1,
      store: 1,
      repositories: 1,
      pulls: 1,
    },
    'atMs',
  ],
  [{ ...seededSnapshot(), fills: [{}] }, 'fills[0].digest'],
  [{ ...seededSnapshot(), health: { ready: true, problems: { a: 1 } } }, 'health.status'],
  [{ ...seededSnapshot(), traffic: null }, 'traffic'],
])('top --once says what a foreign snapshot lacks', async (snapshot, part) => {
  await using daemon = await ControlDaemon.start({ snapshot: () => snapshot });
  const { terminal, out, err } = memoryTerminal();
  const connect = ['--connect', controlTargetText(daemon.target)];
  const code = await runCli(['top', '--once', ...connect], terminal).catch((error: unknown) =>
    reportError(error, terminal),
  );
  expect([code, out()]).toEqual([1, '']);
  expect(err()).toContain(`is no regcache's control channel: its snapshot has no good ${part}\n`);
});
