import type { BenchResult, Phase, PullSample, RequestSample } from '../result.ts';
import { timeAxis } from './chart-axis.ts';
import { escapeHtml, htmlFigure, shortened, svgBar, svgText } from './html-text.ts';
import { duration, megabytes } from './units.ts';

const WIDTH = 720;
const LEFT = 90;
const ROW = 15;
const TOP = 8;
const MOST_ROWS = 60;

/** One pull of each variant and kind, request by request: the one whose time is nearest to the median. */
export function waterfallCharts({ variants }: BenchResult): string {
  const shown = variants.flatMap(({ name, phases }) =>
    phases.flatMap((phase) => {
      const pull = middle(phase);
      return pull === undefined || pull.requests.length === 0 ? [] : [{ name, phase, pull }];
    }),
  );
  const most = Math.max(0, ...shown.map(({ pull }) => pull.imageMs));
  return shown.map(({ name, phase, pull }) => waterfall(name, phase, pull, most)).join('\n');
}

function middle({ pulls, image }: Phase): PullSample | undefined {
  if (image === undefined) return undefined;
  return pulls
    .filter(({ error }) => error === undefined)
    .reduce<PullSample | undefined>(
      (best, pull) =>
        best === undefined || Math.abs(pull.imageMs - image.median) < Math.abs(best.imageMs - image.median)
          ? pull
          : best,
      undefined,
    );
}

function waterfall(name: string, { kind, concurrency }: Phase, pull: PullSample, mostMs: number): string {
  const requests = pull.requests.slice(0, MOST_ROWS);
  const axis = timeAxis(mostMs, LEFT, WIDTH - 20);
  const bottom = TOP + requests.length * ROW;
  const rows = requests.map((request, index) => bars(request, TOP + index * ROW, axis.toX));
  const what = `${name}${kind === 'direct' ? '' : `, ${kind}`}${concurrency > 1 ? `, one of ${concurrency} clients` : ''}`;
  const left = pull.requests.length - requests.length;
  const figure = htmlFigure(
    `Requests of one pull: ${what}`,
    `${duration(pull.imageMs)}, ${megabytes(pull.bytes)}${left > 0 ? `; ${left} more requests are not drawn` : ''}.`,
    { width: WIDTH, height: bottom + 24 },
    `${axis.draw(TOP, bottom)}${rows.join('\n')}`,
  );
  return `<section class="pull"><h3>${escapeHtml(what)}</h3>${figure}</section>`;
}

function bars(
  { what, startMs, firstByteMs, endMs, bytes, hops }: RequestSample,
  y: number,
  toX: (ms: number) => number,
): string {
  const outcome = hops[0]?.outcome ?? 'none';
  const way = hops.map(({ hop, outcome: its, waitedMs }) => {
    const waited = waitedMs === undefined ? '' : `, waited ${duration(waitedMs)}`;
    return `${hop} ${its ?? '?'}${waited}`;
  });
  const title = `${what}: first byte after ${duration(firstByteMs - startMs)}, ${duration(endMs - startMs)} in all, ${megabytes(bytes)}${way.length === 0 ? '' : ` (${way.join('; ')})`}`;
  const [x1, x2, x3] = [startMs, firstByteMs, endMs].map(toX);
  if (x1 === undefined || x2 === undefined || x3 === undefined) return '';
  return [
    svgText(LEFT - 8, y + 11, shortened(what, 14), { at: 'end', kind: 'quiet' }),
    svgBar({ x: x1, y: y + 4, width: x2 - x1, height: 7 }, `waiting ${outcome}`, title),
    svgBar({ x: x2, y: y + 2, width: x3 - x2, height: 11 }, `receiving ${outcome}`, title),
  ].join('');
}
