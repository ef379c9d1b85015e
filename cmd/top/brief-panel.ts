import { hitRate } from '../../src/control/hit-rate.ts';
import { bytes, count, percent, speed } from './figures.ts';
import { fitLine, type Line, line, type Span, span } from './line.ts';
import type { PanelOf } from './panel-content.ts';
import { storeMeter, storeShare } from './store-panel.ts';

const BAR = 16;

/** Everything but the hit rate in three lines, for a small terminal. */
export const briefPanel: PanelOf = ({ traffic, fills, upstreams, store }, { width, height, signs }) => {
  const { total, toClientsBytesPerSecond: out, fromUpstreamBytesPerSecond: into } = traffic;
  const saved = total.toClientsBytes - total.fromUpstreamBytes;
  const up = upstreams.filter(({ state }) => state === 'up').length;
  const isDown = up < upstreams.length;
  const lines: readonly Line[] = [
    line(...fact(speed(out), ' to clients', true), ...fact(speed(into), ' from upstream')),
    line(
      ...fact(count(fills.length), fills.length === 1 ? ' fill' : ' fills', true),
      span(` ${signs.dot} `, 'dim'),
      span(`${up} of ${upstreams.length}`, isDown ? 'bad' : 'bold'),
      span(' upstreams up', 'dim'),
      ...fact(count(traffic.requestsPerSecond), ' requests/s'),
    ),
    line(
      ...fact(bytes(store.bytes), ' stored ', true),
      ...storeMeter(store, BAR, signs),
      span(` ${storeShare(store)}`, 'dim'),
    ),
  ];
  return {
    title: 'Traffic',
    note: `saved ${bytes(saved)} since start, ${percent(hitRate(total).bytes)}`,
    lines: lines.slice(0, height).map((each) => fitLine(each, { width }, signs)),
  };

  function fact(figure: string, meaning: string, isFirst = false): readonly Span[] {
    return [span(isFirst ? ' ' : ` ${signs.dot} `, 'dim'), span(figure, 'bold'), span(meaning, 'dim')];
  }
};
