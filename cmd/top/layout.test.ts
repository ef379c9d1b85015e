import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arrange } from './arrangement.ts';
import { GAP, layoutOf, type PanelKind, shares } from './layout.ts';
import { FIRST_VIEW, TABS } from './view.ts';

/** A size as the panels that are seen, column by column. */
function panels(width: number, height: number): readonly (readonly PanelKind[])[] {
  return layoutOf('overview', { width, height }).map((column) => column.panels.map(({ kind }) => kind));
}

const sizes = fc.record({
  width: fc.integer({ min: 40, max: 300 }),
  height: fc.integer({ min: 5, max: 100 }),
});

describe('the overview', () => {
  test.each([
    [60, 12, [['rates', 'brief']]],
    [80, 21, [['rates', 'brief', 'upstreams', 'fills']]],
    [80, 40, [['rates', 'traffic', 'fills', 'upstreams', 'store', 'pulls']]],
    [
      120,
      12,
      [
        ['rates', 'store'],
        ['traffic', 'fills'],
      ],
    ],
    [
      120,
      32,
      [
        ['rates', 'store', 'repositories'],
        ['traffic', 'fills', 'upstreams', 'pulls'],
      ],
    ],
    [
      200,
      57,
      [
        ['rates', 'store', 'repositories'],
        ['traffic', 'fills', 'upstreams', 'pulls'],
      ],
    ],
  ] as const)('of %i by %i has %j', (width, height, expected) => {
    expect(panels(width, height)).toEqual(expected);
  });

  test('of any size fills it and no more', () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const columns = layoutOf('overview', size);
        const width = columns.reduce((sum, column) => sum + column.width, GAP * (columns.length - 1));
        expect(width).toBe(size.width);
        for (const column of columns) {
          const heights = column.panels.map(({ height }) => height);
          // At most a line is left where it would be a title with nothing below.
          const used = heights.reduce((sum, height) => sum + height, 0);
          expect(used).toBeLessThanOrEqual(size.height);
          expect(used).toBeGreaterThanOrEqual(size.height - 1);
          expect(Math.min(...heights)).toBeGreaterThan(1);
        }
      }),
    );
  });
});

test('any other tab is its panel alone', () => {
  for (const tab of TABS.filter((each) => each !== 'overview')) {
    expect(layoutOf(tab, { width: 60, height: 12 })).toEqual([
      { width: 60, panels: [{ kind: tab, height: 12 }] },
    ]);
  }
});

test('a width is shared to the last column', () => {
  expect(shares(200, 3, 2)).toEqual([66, 65, 65]);
  expect(shares(60, 1, 2)).toEqual([60]);
});

describe('several daemons', () => {
  test.each([
    ['overview', 2, 200, 57, 'beside'],
    ['overview', 3, 200, 57, 'beside'],
    ['overview', 4, 200, 57, 'table'],
    ['overview', 2, 120, 32, 'beside'],
    ['overview', 3, 120, 32, 'table'],
    ['overview', 2, 60, 12, 'table'],
    ['overview', 2, 100, 57, 'stacked'],
    ['fills', 2, 60, 12, 'stacked'],
    ['pulls', 3, 120, 32, 'stacked'],
  ] as const)('%s of %i on %i by %i stand %s', (tab, count, width, height, kind) => {
    expect(arrange(count, { ...FIRST_VIEW, tab }, { width, height }).kind).toBe(kind);
  });

  test('that have no room for a list show the first one, and one after the other when asked', () => {
    const alone = (daemon: number): unknown => ({
      kind: 'beside',
      areas: [{ daemon, size: { width: 60, height: 12 } }],
    });
    const view = { ...FIRST_VIEW, tab: 'fills' as const };
    expect(arrange(4, view, { width: 60, height: 12 })).toEqual(alone(0));
    expect(arrange(4, { ...view, daemon: 2 }, { width: 60, height: 12 })).toEqual(alone(2));
  });

  test('never take more than there is', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 6 }), fc.constantFrom(...TABS), (size, count, tab) => {
        const arrangement = arrange(count, { ...FIRST_VIEW, tab }, size);
        if (arrangement.kind === 'table') return;
        const { kind, areas } = arrangement;
        const width = areas.reduce((sum, area) => sum + area.size.width, GAP * (areas.length - 1));
        const height = areas.reduce((sum, area) => sum + area.size.height, 0);
        expect(kind === 'beside' ? width : height).toBe(kind === 'beside' ? size.width : size.height);
      }),
    );
  });
});
