import { render } from 'ink-testing-library';
import { describe, expect, test } from 'vitest';
import type { Snapshot } from '../../src/control/snapshot.ts';
import { downUpstreams, idleSnapshot, seededSnapshot } from '../../fixtures/seeded-snapshot.ts';
import { clockTime } from './figures.ts';
import type { PanelKind } from './layout.ts';
import { Panel } from './panel.tsx';
import { ThemeContext, themeFor } from './theme.tsx';
import { FIRST_VIEW, type View } from './view.ts';

interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly view?: View;
  readonly env?: Readonly<Record<string, string>>;
}

/** What a panel draws, a string for each of its lines. */
function seen(kind: PanelKind, snapshot: Snapshot, look: Look = {}): readonly string[] {
  const { width = 60, height = 12, view = FIRST_VIEW, env = { NO_COLOR: '1' } } = look;
  const { lastFrame, unmount } = render(
    <ThemeContext value={themeFor(env)}>
      <Panel kind={kind} snapshot={snapshot} view={view} width={width} height={height} />
    </ThemeContext>,
  );
  const lines = (lastFrame() ?? '').split('\n');
  unmount();
  expect(lines).toHaveLength(height);
  // oxlint-disable-next-line no-control-regex -- colours take no room
  for (const line of lines) expect(line.replaceAll(/\u001B\[[\d;]*m/g, '').length).toBeLessThanOrEqual(width);
  return lines;
}

const busy = seededSnapshot();
const idle = idleSnapshot();
const down = seededSnapshot({ upstreams: downUpstreams() });
const full = seededSnapshot({
  store: {
    quotaBytes: undefined,
    diskFreeBytes: 12_000_000,
    failure: 'ENOSPC: no space left on device, write',
  },
});
const KINDS = ['rates', 'traffic', 'brief', 'store', 'fills', 'upstreams', 'repositories', 'pulls'] as const;

const SIZES = [
  [40, 2],
  [50, 8],
  [60, 12],
  [100, 20],
] as const;

describe.each(KINDS)('the panel of %s', (kind) => {
  test.each([
    ['busy', busy],
    ['empty', idle],
    ['an upstream down', down],
    ['the disk full', full],
  ] as const)('%s, stays inside its place at any width', (_state, snapshot) => {
    for (const [width, height] of SIZES) {
      expect(seen(kind, snapshot, { width, height })[0]).toMatch(/^─ [A-Z]/);
    }
  });
});

describe('the hit rate', () => {
  test('is told by requests and by bytes, for four spans of time, with the last hour as a line', () => {
    const lines = seen('rates', busy, { height: 8 });
    expect(lines[0]).toMatch(/^─ Hit rate {2}history of 1 hour, 0 to 100 % ─+$/);
    expect(lines[1]).toMatch(/requests +bytes +reads$/);
    expect(lines[2]).toMatch(/^ now +97\.4 % +97\.9 % +1,372$/);
    expect(lines[3]).toMatch(/^ 5 min +96\.6 % +97\.3 % +40,027$/);
    expect(lines[4]).toMatch(/^ 1 hour /);
    expect(lines[5]).toMatch(/^ since start .* 20\.6 M$/);
    expect(lines[6]).toMatch(/^ requests {5}▇+▆.*▃.*▇$/);
    expect(lines[7]).toMatch(/^ bytes {8}▇/);
  });

  test('says what happened to the reads where there is room', () => {
    expect(seen('rates', busy, { height: 14 }).join('\n')).toMatch(
      / 5 min +hit 96\.6 % +prefetched 1\.0 % +joined 0\.7 %\s+miss 1\.8 %/,
    );
  });

  test('is a dash while nothing was read', () => {
    const lines = seen('rates', idle, { height: 14 });
    expect(lines[2]).toMatch(/^ now +- +- +0$/);
    expect(lines.join('\n')).toContain('nothing was read');
  });

  test('counts nothing that was fetched ahead as a hit', () => {
    const { total } = idle.traffic;
    const now = { ...total, reads: 4, outcomes: { ...total.outcomes, hit: 1, prefetched: 3 } };
    expect(seen('rates', { ...idle, traffic: { ...idle.traffic, now } })[2]).toMatch(/^ now +25\.0 % /);
  });
});

describe('the traffic', () => {
  test('is told to clients, from upstream, and as what was saved', () => {
    const lines = seen('traffic', busy, { width: 90, height: 8 });
    expect(lines[0]).toContain('120 requests/s · 14 open · history of 1 hour, 0 to 1');
    expect(lines[1]).toMatch(/ now +5 min +1 hour +since start$/);
    expect(lines[2]).toMatch(/^ to clients +170 MB\/s +49\.63 GB +419\.\d\d GB +25\.\d\d TB$/);
    expect(lines[3]).toMatch(/^ from upstream +3\.5 MB\/s +1\.3\d GB /);
    expect(lines[4]).toMatch(/^ saved +167 MB\/s +48\.2\d GB /);
    expect(lines[5]).toMatch(/^ clients +[▁▂▃▄▅▆▇]{76}$/);
  });

  test('leaves five minutes out where there is no room for them', () => {
    expect(seen('traffic', busy, { width: 50 })[1]).toMatch(/^ +now +1 hour +since start$/);
  });

  test('of a daemon that was asked for nothing is nothing', () => {
    const lines = seen('traffic', idle, { height: 8 });
    expect(lines[0]).toContain('0.0 requests/s · 0 open');
    expect(lines[4]).toMatch(/^ saved +0 B\/s +0 B +0 B +0 B$/);
  });

  test('in brief has everything but the hit rate', () => {
    const lines = seen('brief', down, { height: 4 });
    expect(lines[0]).toMatch(/^─ Traffic {2}saved 23\.5\d TB since start, 91\.9 % /);
    expect(lines[1]).toBe(' 170 MB/s to clients · 3.5 MB/s from upstream');
    expect(lines[2]).toBe(' 6 fills · 2 of 3 upstreams up · 120 requests/s');
    expect(lines[3]).toBe(' 812.40 GB stored █████████████░░░ 81.2 % of the quota');
  });
});

describe('the fills', () => {
  test('have a bar, what is done, their speed, their followers and their hop', () => {
    const lines = seen('fills', busy);
    expect(lines[0]).toContain('Fills  6 · oldest first · 65.7 MB/s');
    expect(lines[2]).toMatch(/^ docker\.i…\/alpine ░{6} {3}6 % {2}4\.2 MB\/s {5}1 asia\.example…$/);
    expect(lines[6]).toMatch(/ 51 % 15\.0 MB\/s ahead asia\./);
  });

  test('of unknown size have no share', () => {
    expect(seen('fills', busy)[7]).toMatch(/^ docker\.i…\S*ostgres ░{6} {5}\? 17\.7 MB\/s/);
  });

  test('say their digest, their size and what is left where there is room', () => {
    const wide = seen('fills', busy, { width: 100 });
    expect(wide[1]).toMatch(/^ repository +digest +done +size +speed +followers +hop$/);
    expect(wide[2]).toMatch(/[0-9a-f]{6}…[0-9a-f]{6} .* 412 MB /);
  });

  test('that do not run are said not to', () => {
    expect(seen('fills', idle)[1]).toBe(' no fill is running: nothing is being fetched');
  });
});

describe('the upstreams', () => {
  test('tell how soon they answer, how often not, and the chain behind them', () => {
    const lines = seen('upstreams', busy, { width: 90 });
    expect(lines[0]).toContain('Upstreams  3 · as configured · 3 up');
    expect(lines[2]).toMatch(
      /^ ● +asia\.example\.com:5000 +42 ms +118 ms +<0\.1 % +4,210 +─▶ frankfurt ─▶ origin$/,
    );
    expect(lines[4]).toMatch(/^ ● +registry-1\.docker\.io:4… +- +- +- +0 +origin$/);
  });

  test('that are down say why, in place of the chain', () => {
    const lines = seen('upstreams', down, { width: 100 });
    expect(lines[0]).toContain('2 up');
    expect(lines[2]).toMatch(/^ ✖ +asia\.example\.com:5000 .* 19\.4 % +4,210 +connect: ECONNREFUSED/);
  });

  test('that asked to be left alone are marked', () => {
    const paused = busy.upstreams.map((upstream) => ({ ...upstream, state: 'paused' as const }));
    expect(seen('upstreams', { ...busy, upstreams: paused })[2]).toMatch(/^ ◌ asia.* paused$/);
  });

  test('that were never asked know no chain', () => {
    expect(seen('upstreams', idle, { width: 90 })[2]).toMatch(/ - +- +- +0 +not known yet$/);
  });
});

describe('the store', () => {
  test('is told against its quota, with the disk, and with what goes next', () => {
    const lines = seen('store', busy);
    expect(lines[0]).toContain('Store  /var/lib/registry');
    expect(lines[1]).toBe(' 812.40 GB of 1.00 TB · 48,211 blobs · TTL 7 d');
    expect(lines[2]).toMatch(/^ █+░+ 81\.2 % of the quota$/);
    expect(lines[3]).toBe(' disk 871.00 GB free of 2.00 TB');
    expect(lines[5]).toMatch(/^ 1 min +docker\.io\/library\/alpine +3\.4 MB$/);
  });

  test('without a quota is told against the disk, and what others have taken of it', () => {
    const lines = seen('store', seededSnapshot({ store: { quotaBytes: undefined } }));
    expect(lines[2]).toMatch(/^ █+▒+░+ disk 56\.5 % full$/);
  });

  test('that can take nothing says so first, and that the disk is full', () => {
    const lines = seen('store', full);
    expect(lines[1]).toBe(' ✖ nothing can be stored: ENOSPC: no space left on device, …');
    expect(lines[4]).toBe(' disk 12.0 MB free of 2.00 TB !');
  });

  test('in which nothing expires says why', () => {
    expect(seen('store', idle)[4]).toBe(' nothing expires soon');
    const forEver = { ...idle, store: { ...idle.store, ttlMs: undefined } };
    expect(seen('store', forEver)[4]).toBe(' nothing expires: no blobttl is set');
  });
});

describe('the repositories', () => {
  test('tell reads, hit rate and bytes, the busiest first', () => {
    const lines = seen('repositories', busy, { width: 70 });
    expect(lines[0]).toContain('Repositories  1 to 10 of 12 · most reads first');
    expect(lines[2]).toMatch(/^ docker\.io\/library\/alpine +91,000 +98\.\d % +75\.53 GB +0 s ago$/);
  });

  test('are filtered, and their hit rate is that of those that match', () => {
    const view = { ...FIRST_VIEW, filter: { text: 'payments', isEdited: false } };
    const lines = seen('repositories', busy, { width: 90, view });
    expect(lines[0]).toContain('2 that match, of 12 · most reads first · hit rate 80.2 %');
    expect(lines.slice(2).join('')).not.toContain('alpine');
  });

  test('say so where nothing matches', () => {
    const view = { ...FIRST_VIEW, filter: { text: 'nobody/nothing', isEdited: false } };
    expect(seen('repositories', busy, { view })[1]).toBe(' nothing here matches nobody/nothing');
  });

  test('mark the column that they are sorted by', () => {
    const sort = { ...FIRST_VIEW.sort, repositories: { order: 1, isReversed: true } };
    const lines = seen('repositories', busy, { view: { ...FIRST_VIEW, sort } });
    expect(lines[0]).toContain('1 to 10 of 12 · highest hit rate first');
    expect(lines[1]).toContain('hit rate▴');
    expect(lines[2]).toContain('ledger');
  });
});

describe('the pulls', () => {
  test('tell their outcome, and why a miss was one', () => {
    const lines = seen('pulls', busy);
    expect(lines[2]?.startsWith(` ${clockTime(busy.atMs)} hit `)).toBe(true);
    expect(lines.join('\n')).toMatch(/ miss expired +registry\.\S+ \(blob\) +396 MB/);
  });

  test('are scrolled', () => {
    const lines = seen('pulls', busy, { view: { ...FIRST_VIEW, tab: 'pulls', offset: 95 } });
    expect(lines[0]).toContain('91 to 100 of 100');
  });

  test('that never came are said not to have come', () => {
    expect(seen('pulls', idle)[1]).toBe(' nothing was pulled yet');
  });
});

describe('colours', () => {
  const red = '\u001B[31m';

  test('tell what is wrong', () => {
    expect(seen('upstreams', down, { env: {} }).join('')).toContain(`${red}✖`);
    expect(seen('upstreams', busy, { env: {} }).join('')).not.toContain(red);
    expect(seen('store', full, { env: {} }).join('')).toContain(red);
  });

  test('are none with NO_COLOR', () => {
    for (const kind of KINDS) expect(seen(kind, down).join('')).not.toContain('\u001B');
  });
});

test('a terminal without UTF-8 gets letters and signs that it has', () => {
  for (const kind of KINDS) {
    const text = seen(kind, down, { env: { NO_COLOR: '1', LANG: 'C' } }).join('');
    // oxlint-disable-next-line no-control-regex -- all that ASCII has
    expect(text).toMatch(/^[\u0020-\u007E]*$/);
  }
});
