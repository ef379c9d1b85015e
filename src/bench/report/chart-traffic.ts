import type { BenchResult } from '../result.ts';
import { htmlFigure, shortened, svgBar, svgText } from './html-text.ts';
import { megabytes } from './units.ts';

const WIDTH = 720;
const LEFT = 190;
const RIGHT = 190;
const ROW = 24;
const TOP = 4;

/** What each server sent, a bar for each hop of each variant. */
export function trafficChart({ variants }: BenchResult): string {
  const rows = variants.flatMap(({ name, traffic }) => traffic.map((server) => ({ name, ...server })));
  if (rows.length === 0) return '';
  const most = Math.max(1, ...rows.map(({ bytes }) => bytes));
  const drawn = rows.map(({ name, server, bytes, requests }, index) => {
    const y = TOP + index * ROW;
    const width = (bytes / most) * (WIDTH - LEFT - RIGHT);
    const figures = `${megabytes(bytes)}, ${requests} requests`;
    return [
      svgText(LEFT - 10, y + 16, shortened(`${name}: ${server}`, 28), { at: 'end' }),
      svgBar(
        { x: LEFT, y: y + 4, width, height: ROW - 8 },
        server === 'origin' ? 'origin' : 'cache',
        `${name}: ${server} sent ${figures}`,
      ),
      svgText(LEFT + width + 8, y + 16, figures, { kind: 'quiet' }),
    ].join('');
  });
  return htmlFigure(
    'Traffic a hop',
    'What each server sent in the whole run, outermost first: what the origin sends is what its line must carry.',
    { width: WIDTH, height: TOP + rows.length * ROW + 6 },
    drawn.join('\n'),
  );
}
