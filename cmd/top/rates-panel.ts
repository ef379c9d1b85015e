import { hitRate } from '../../src/control/hit-rate.ts';
import type { Tally } from '../../src/control/snapshot.ts';
import { figureRow, historyRows, LABEL, SPANS } from './figure-rows.ts';
import { count, percent } from './figures.ts';
import { historyColumns, historySpan } from './graph.ts';
import { fitLine, type Line, lineWidth, span } from './line.ts';
import type { PanelOf } from './panel-content.ts';
import type { Signs } from './signs.ts';

const OUTCOMES = ['hit', 'revalidated', 'prefetched', 'joined', 'miss', 'stale', 'bypass'] as const;
const MOST_GRAPH_ROWS = 4;

/** The hit rate by requests and by bytes, for four spans of time, and how it went in the last hour. */
export const ratesPanel: PanelOf = ({ traffic, atMs }, { width, height, signs }) => {
  const titles = { label: '', values: ['requests', 'bytes', 'reads'].map((title) => span(title, 'dim')) };
  const figures = SPANS.map(([key, label]) => {
    const tally = traffic[key];
    const { requests, bytes } = hitRate(tally);
    const texts = [percent(requests), percent(bytes), count(tally.reads)];
    return { label, values: texts.map((text) => span(text, key === 'now' ? 'bold' : 'plain')) };
  });
  const rows = [titles, ...figures].map((row) => figureRow(row, width, signs));
  const left = height - rows.length;
  const outcomes = left >= 5 ? outcomeLines(traffic.fiveMinutes, width, signs).slice(0, left - 4) : [];
  const above = outcomes.length === 0 ? [] : [[], ...outcomes, []];
  const graphRows = Math.min(MOST_GRAPH_ROWS, Math.floor((left - above.length) / 2));
  const columns = historyColumns(traffic.history, atMs, width - LABEL);
  const history = { rows: graphRows, most: 1 };
  return {
    title: 'Hit rate',
    note: graphRows > 0 ? `history of ${historySpan(traffic.history)}, 0 to 100 %` : '',
    lines: [
      ...rows,
      ...above,
      ...historyRows(
        columns,
        { ...history, label: 'requests', tone: 'softGood', value: ({ tally }) => hitRate(tally).requests },
        signs,
      ),
      ...historyRows(
        columns,
        { ...history, label: 'bytes', tone: 'softAccent', value: ({ tally }) => hitRate(tally).bytes },
        signs,
      ),
    ].slice(0, height),
  };
};

/** `5 min  hit 96.0 %  miss 1.2 %`: what happened to the reads, in as many lines as it takes. */
function outcomeLines({ reads, outcomes }: Tally, width: number, signs: Signs): readonly Line[] {
  const lines: Line[] = [];
  let last: Line = fitLine([span(' 5 min', 'dim')], { width: LABEL }, signs);
  for (const outcome of OUTCOMES.filter((each) => outcomes[each] > 0)) {
    const part = [span(`${outcome} `, 'dim'), span(`${percent(outcomes[outcome] / reads)}  `)];
    if (lineWidth(last) + lineWidth(part) > width + 2) {
      lines.push(last);
      last = [span(' '.repeat(LABEL))];
    }
    last = [...last, ...part];
  }
  return [...lines, reads === 0 ? [...last, span('nothing was read', 'dim')] : last];
}
