import type { BenchResult, Phase, Summary, VariantResult } from '../result.ts';
import { duration, megabytes, rate, share } from './units.ts';

export interface TableOptions {
  /** Columns of the terminal. */
  readonly width: number;
  readonly colour: boolean;
}

const LEAST_BAR = 8;
const MOST_BAR = 40;

/** A bench's result for people, in a terminal. */
export function benchTable(result: BenchResult, options: TableOptions): string {
  const style = styleOf(options.colour);
  const sections = [
    headline(result, style),
    times(result, options, style),
    traffic(result, style),
    outcomes(result),
    links(result, style),
    notes(result, style),
    verdict(result, style),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
}

function styleOf(colour: boolean): Style {
  const paint =
    (code: number, end: number) =>
    (text: string): string =>
      colour ? `\u001B[${code}m${text}\u001B[${end}m` : text;
  return { bold: paint(1, 22), dim: paint(2, 22), good: paint(32, 39), bad: paint(31, 39) };
}

function headline({ mode, settings, images, durationMs, interrupted }: BenchResult, style: Style): string {
  const [image] = images;
  const what =
    image === undefined
      ? ''
      : `, ${images.length > 1 ? `${images.length} images` : `${image.layerBytes.length} layers`} of ${megabytes(image.totalBytes)}`;
  const text = `${mode}, as ${settings.client} pulls${what}, ${settings.rounds} rounds in ${duration(durationMs)}`;
  return interrupted
    ? `${style.bold(text)}\n${style.bad('interrupted: what follows is what is known')}`
    : style.bold(text);
}

interface Row {
  readonly cells: readonly string[];
  /** Of the bar, milliseconds. */
  readonly medianMs: number | undefined;
  readonly kind: Phase['kind'] | undefined;
}

function times(result: BenchResult, { width }: TableOptions, style: Style): string {
  const severalLevels = result.settings.concurrency.length > 1;
  const rows = result.variants.flatMap((variant) => rowsOf(variant, severalLevels));
  const head = ['', '', 'pulls', 'manifest', 'first byte', 'image', '95 % of medians', 'p95', 'p99', 'rate'];
  const used = head.map(
    (title, column) => title === '' || column < 7 || rows.some(({ cells }) => (cells[column] ?? '') !== ''),
  );
  const kept = (cells: readonly string[]): readonly string[] => cells.filter((_, column) => used[column]);
  const widths = kept(head).map((title, column) =>
    Math.max(title.length, ...rows.map(({ cells }) => kept(cells)[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    kept(cells)
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  const taken = widths.reduce((sum, each) => sum + each + 2, 0);
  const barWidth = Math.min(MOST_BAR, width - taken - 1);
  const most = Math.max(...rows.map(({ medianMs }) => medianMs ?? 0));
  const bar = ({ medianMs, kind }: Row): string => {
    if (medianMs === undefined || most === 0 || barWidth < LEAST_BAR) return '';
    const drawn = barOf((medianMs / most) * barWidth);
    return `  ${kind === 'warm' ? style.good(drawn) : drawn}`;
  };
  return [
    style.dim(line(head).trimEnd()),
    ...rows.map((row) => `${line(row.cells)}${bar(row)}`.trimEnd()),
  ].join('\n');
}

function rowsOf({ name, phases, problem }: VariantResult, severalLevels: boolean): readonly Row[] {
  if (phases.length === 0) {
    return [
      {
        cells: [name, problem === undefined ? 'not measured' : 'failed'],
        medianMs: undefined,
        kind: undefined,
      },
    ];
  }
  return phases.map(({ kind, concurrency, pulls, manifest, firstByte, image, bitsPerSecond }, index) => {
    const clients = severalLevels ? ` ×${concurrency}` : '';
    return {
      kind,
      medianMs: image?.median,
      cells: [
        index === 0 ? name : '',
        `${kind === 'direct' ? '' : kind}${clients}`.trim(),
        `${image?.count ?? 0}${image?.count === pulls.length ? '' : `/${pulls.length}`}`,
        medianOf(manifest),
        medianOf(firstByte),
        medianOf(image),
        image?.low === undefined || image.high === undefined
          ? ''
          : `${duration(image.low)} – ${duration(image.high)}`,
        image?.p95 === undefined ? '' : duration(image.p95),
        image?.p99 === undefined ? '' : duration(image.p99),
        bitsPerSecond === undefined ? '' : rate(bitsPerSecond.median),
      ],
    };
  });
}

function medianOf(summary: Summary | undefined): string {
  return summary === undefined ? '–' : duration(summary.median);
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

function barOf(width: number): string {
  const eighths = Math.max(1, Math.round(width * 8));
  return `${'█'.repeat(Math.floor(eighths / 8))}${EIGHTHS[eighths % 8] ?? ''}`;
}

function traffic({ variants }: BenchResult, style: Style): string {
  const lines = variants
    .filter((variant) => variant.traffic.length > 0)
    .map(({ name, traffic: servers }) => {
      const each = servers.map(
        ({ server, requests, bytes }) => `${server} ${requests} requests, ${megabytes(bytes)}`,
      );
      return `  ${name}: ${each.join(' · ')}`;
    });
  return lines.length === 0
    ? ''
    : [style.dim('answered by each server, outermost first'), ...lines].join('\n');
}

function outcomes({ variants }: BenchResult): string {
  const lines = variants.flatMap(({ name, phases }) =>
    phases
      .filter((phase) => phase.outcomes.length > 0)
      .map((phase) => {
        const hops = phase.outcomes.map(({ hop, counts }) => {
          const words = Object.entries(counts).map(([outcome, count]) => `${count} ${outcome}`);
          const wait = phase.waits.find((each) => each.hop === hop);
          return `${hop} ${words.join(', ')}${wait === undefined ? '' : ` (waited ${duration(wait.medianMs)} behind it)`}`;
        });
        return `  ${name} ${phase.kind}: ${hops.join(' · ')}`;
      }),
  );
  return lines.length === 0 ? '' : `outcomes at each cache\n${lines.join('\n')}`;
}

function links({ links: all }: BenchResult, style: Style): string {
  if (all.length === 0) return '';
  const lines = all.map((link) => {
    const loss = link.lossRatio === 0 ? '' : `, loss ${share(link.lossRatio)}`;
    const asked = `${duration(link.roundTripMs)}, ${rate(link.rateBitsPerSecond)}${loss}, ${rate(link.connectionBitsPerSecond)} a connection`;
    const seen = `${duration(link.measuredRoundTripMs)}, ${rate(link.measuredConnectionBitsPerSecond)} a connection`;
    return `  ${link.name}: asked ${asked}; measured ${seen}`;
  });
  return [style.dim('simulated links: round trip, rate'), ...lines].join('\n');
}

function notes({ variants }: BenchResult, style: Style): string {
  const lines = variants.flatMap(({ name, problem, notes: own }) => [
    ...(problem === undefined ? [] : [style.bad(`  ✖ ${name}: ${problem}`)]),
    ...own.map((note) => `  ! ${name}: ${note}`),
  ]);
  return lines.join('\n');
}

function verdict({ verdict: { sentences, recommended } }: BenchResult, style: Style): string {
  return sentences
    .map((sentence, index) =>
      recommended !== undefined && index === sentences.length - 1
        ? style.bold(style.good(sentence))
        : sentence,
    )
    .join('\n');
}
