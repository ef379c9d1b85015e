import type { Tally, TrafficFacts } from '../../src/control/snapshot.ts';
import { fittingNote } from './chrome.ts';
import { bytesPerSecond, figureRow, historyRows, LABEL, SPANS } from './figure-rows.ts';
import { bytes, count, speed } from './figures.ts';
import { historyColumns, historySpan } from './graph.ts';
import { span } from './line.ts';
import type { PanelOf } from './panel-content.ts';

/** Below it, the five minutes make room. */
const ALL_SPANS = 58;
const MOST_GRAPH_ROWS = 4;
const TITLE = 'Traffic';

const toClients = (tally: Tally): number => tally.toClientsBytes;
const fromUpstream = (tally: Tally): number => tally.fromUpstreamBytes;
const saved = (tally: Tally): number => tally.toClientsBytes - tally.fromUpstreamBytes;

/** Bytes to clients and from upstream, and what was saved between the two. */
export const trafficPanel: PanelOf = ({ traffic, atMs }, { width, height, signs }) => {
  const spans = SPANS.filter(([key]) => key !== 'fiveMinutes' || width >= ALL_SPANS);
  const { toClientsBytesPerSecond: out, fromUpstreamBytesPerSecond: into } = traffic;
  const row = (
    label: string,
    now: number,
    of: (tally: Tally) => number,
  ): Parameters<typeof figureRow>[0] => ({
    label,
    values: spans.map(([key]) => (key === 'now' ? span(speed(now), 'bold') : span(bytes(of(traffic[key]))))),
  });
  const rows = [
    { label: '', values: spans.map(([, title]) => span(title, 'dim')) },
    row('to clients', out, toClients),
    row('from upstream', into, fromUpstream),
    row('saved', out - into, saved),
  ].map((each) => figureRow(each, width, signs));
  const left = height - rows.length;
  const gap = left >= 5 ? [[]] : [];
  const graphRows = Math.min(MOST_GRAPH_ROWS, Math.floor((left - gap.length) / 2));
  const columns = historyColumns(traffic.history, atMs, width - LABEL);
  const most = Math.max(
    ...columns.flatMap((column) => [bytesPerSecond(column, toClients), bytesPerSecond(column, fromUpstream)]),
    0,
  );
  const graph = { rows: graphRows, most };
  return {
    title: TITLE,
    note: fittingNote(
      [
        ...requestTexts(traffic),
        ...(graphRows > 0 && most > 0
          ? [`history of ${historySpan(traffic.history)}, 0 to ${speed(most)}`]
          : []),
      ],
      width - TITLE.length,
      signs,
    ),
    lines: [
      ...rows,
      ...gap,
      ...historyRows(
        columns,
        {
          ...graph,
          label: 'clients',
          tone: 'softGood',
          value: (column) => bytesPerSecond(column, toClients),
        },
        signs,
      ),
      ...historyRows(
        columns,
        {
          ...graph,
          label: 'upstream',
          tone: 'softAccent',
          value: (column) => bytesPerSecond(column, fromUpstream),
        },
        signs,
      ),
    ].slice(0, height),
  };
};

function requestTexts({ requestsPerSecond, openRequests }: TrafficFacts): readonly string[] {
  const perSecond = requestsPerSecond < 9.95 ? requestsPerSecond.toFixed(1) : count(requestsPerSecond);
  return [`${perSecond} requests/s`, `${count(openRequests)} open`];
}
