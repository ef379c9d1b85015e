import type { BenchResult, Phase } from '../result.ts';
import { timeAxis } from './chart-axis.ts';
import { fixed, htmlFigure, shortened, svgText } from './html-text.ts';
import { duration } from './units.ts';

const WIDTH = 720;
const LEFT = 150;
const ROW = 34;
const TOP = 10;
/** More dots than this only make a bar. */
const MOST_DOTS = 200;

/** Every pull as a dot, with the median and its interval, a row for each variant and kind. */
export function distributionChart({ variants }: BenchResult): string {
  const rows = variants.flatMap(({ name, phases }) =>
    phases.filter(({ image }) => image !== undefined).map((phase) => ({ name, phase })),
  );
  if (rows.length === 0) return '';
  const most = Math.max(...rows.map(({ phase }) => phase.image?.max ?? 0));
  const axis = timeAxis(most, LEFT, WIDTH - 20);
  const bottom = TOP + rows.length * ROW;
  const drawn = rows.map(({ name, phase }, index) => row(name, phase, TOP + index * ROW + ROW / 2, axis.toX));
  return htmlFigure(
    'Time for the whole image, every pull',
    'Each dot is a pull, the line its median, the band the median’s confidence interval (at least 95 %) where there are pulls enough for one.',
    { width: WIDTH, height: bottom + 26 },
    `${axis.draw(TOP, bottom)}${drawn.join('\n')}`,
  );
}

function row(name: string, phase: Phase, y: number, toX: (ms: number) => number): string {
  const { image, kind, concurrency, pulls } = phase;
  if (image === undefined) return '';
  const clients = concurrency > 1 ? ` ×${concurrency}` : '';
  const label = shortened(`${name} ${kind === 'direct' ? '' : kind}${clients}`.trim(), 22);
  const good = pulls.filter(({ error }) => error === undefined);
  const every = Math.ceil(good.length / MOST_DOTS);
  const dots = good
    .filter((_, index) => index % every === 0)
    .map(
      ({ imageMs }, index) =>
        `<circle cx="${fixed(toX(imageMs))}" cy="${fixed(y + ((index % 5) - 2) * 3)}" r="3" class="dot ${kind}"/>`,
    );
  const band =
    image.low === undefined || image.high === undefined
      ? ''
      : `<rect x="${fixed(toX(image.low))}" y="${fixed(y - 11)}" width="${fixed(Math.max(1, toX(image.high) - toX(image.low)))}" height="22" class="band"/>`;
  const x = fixed(toX(image.median));
  const line = `<line x1="${x}" x2="${x}" y1="${fixed(y - 12)}" y2="${fixed(y + 12)}" class="median"><title>median ${duration(image.median)}</title></line>`;
  return `${svgText(LEFT - 10, y + 4, label, { at: 'end' })}${band}${dots.join('')}${line}`;
}
