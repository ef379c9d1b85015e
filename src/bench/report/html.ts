import type { BenchResult, Comparison, Phase, Summary } from '../result.ts';
import { distributionChart } from './chart-distribution.ts';
import { trafficChart } from './chart-traffic.ts';
import { waterfallCharts } from './chart-waterfall.ts';
import { HTML_STYLE } from './html-style.ts';
import { escapeHtml, htmlTable } from './html-text.ts';
import { duration, megabytes, rate, share } from './units.ts';

const POLICY = "default-src 'none'; style-src 'unsafe-inline'";
const KEY = [
  ['hit', 'held'],
  ['prefetched', 'fetched ahead'],
  ['joined', 'already on its way'],
  ['miss', 'fetched'],
  ['none', 'the server does not say'],
] as const;

/** A bench's result as one page that needs nothing else, and nobody's network. */
export function htmlReport(result: BenchResult): string {
  const title = `regcache bench: ${result.variants.map(({ name }) => name).join(', ')}`;
  const sections = [
    section('Times', [timesTable(result), distributionChart(result)]),
    section('Traffic', [trafficChart(result)]),
    section('Compared round by round', [comparisonTable(result)]),
    section('One pull of each', [waterfalls(result)]),
    section('At each cache', [outcomesTable(result)]),
    section('Simulated links', [linksTable(result)]),
    section('How it was measured', [settings(result)]),
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}"><title>${escapeHtml(title)}</title><style>${HTML_STYLE}</style></head>
<body><main>
<h1>${escapeHtml(title)}</h1>
<p class="quiet">${escapeHtml(`${result.mode === 'embedded' ? 'Everything on one machine, over simulated links' : 'Real servers'}; ${result.startedAt.replace('T', ' ').slice(0, 16)} UTC, ${duration(result.durationMs)}; regcache ${result.regcache}`)}</p>
${verdict(result)}
${problems(result)}
${sections.join('\n')}
</main></body></html>
`;
}

function section(title: string, parts: readonly string[]): string {
  const content = parts.filter((part) => part !== '').join('\n');
  return content === '' ? '' : `<section><h2>${escapeHtml(title)}</h2>\n${content}</section>`;
}

function verdict({ verdict: { sentences, recommended }, interrupted }: BenchResult): string {
  const lines = sentences.map((sentence, index) => {
    const last = recommended !== undefined && index === sentences.length - 1;
    return `<p${last ? ' class="recommended"' : ''}>${escapeHtml(sentence)}</p>`;
  });
  if (interrupted) lines.unshift('<p class="problem">Interrupted: this is what is known.</p>');
  return `<section class="verdict" aria-label="Verdict">${lines.join('\n')}</section>`;
}

function problems({ variants }: BenchResult): string {
  const lines = variants.flatMap(({ name, problem, notes }) => [
    ...(problem === undefined ? [] : [`<li class="problem">${escapeHtml(`${name}: ${problem}`)}</li>`]),
    ...notes.map((note) => `<li>${escapeHtml(`${name}: ${note}`)}</li>`),
  ]);
  return lines.length === 0 ? '' : `<ul>${lines.join('\n')}</ul>`;
}

function timesTable({ variants }: BenchResult): string {
  const rows = variants.flatMap(({ name, phases }) =>
    phases.map((phase) => [
      `${name}${kindOf(phase)}`,
      `${phase.image?.count ?? 0} of ${phase.pulls.length}`,
      median(phase.manifest),
      median(phase.firstByte),
      median(phase.image),
      interval(phase.image),
      phase.image === undefined
        ? '–'
        : `${duration(phase.image.firstQuartile)} – ${duration(phase.image.thirdQuartile)}`,
      phase.image?.p95 === undefined ? '–' : duration(phase.image.p95),
      phase.image?.p99 === undefined ? '–' : duration(phase.image.p99),
      phase.bitsPerSecond === undefined ? '–' : rate(phase.bitsPerSecond.median),
    ]),
  );
  if (rows.length === 0) return '';
  const head = [
    'variant',
    'pulls',
    'manifest',
    'first byte',
    'image',
    '95 % interval',
    'middle half',
    'p95',
    'p99',
    'rate',
  ];
  return htmlTable('Medians; p95 from twenty pulls on, p99 from a hundred', head, rows);
}

function kindOf({ kind, concurrency }: Phase): string {
  return `${kind === 'direct' ? '' : `, ${kind}`}${concurrency > 1 ? ` ×${concurrency}` : ''}`;
}

function median(summary: Summary | undefined): string {
  return summary === undefined ? '–' : duration(summary.median);
}

function interval(summary: Summary | undefined): string {
  if (summary?.low === undefined || summary.high === undefined) return '–';
  return `${duration(summary.low)} – ${duration(summary.high)}`;
}

function comparisonTable({ comparisons }: BenchResult): string {
  if (comparisons.length === 0) return '';
  const rows = comparisons.map((comparison) => [
    `${comparison.variant}, ${comparison.kind}${comparison.concurrency > 1 ? ` ×${comparison.concurrency}` : ''}`,
    `${comparison.against}${comparison.againstKind === 'direct' ? '' : `, ${comparison.againstKind}`}`,
    speedOf(comparison),
    comparison.low === undefined || comparison.high === undefined
      ? '–'
      : `${comparison.low.toFixed(2)} – ${comparison.high.toFixed(2)}`,
    comparison.p.toFixed(3),
    comparison.isReal ? 'yes' : 'these rounds cannot show it',
  ]);
  return htmlTable(
    'Times as fast as the other one; Wilcoxon’s signed-rank test over rounds',
    ['variant', 'against', 'times as fast', '95 % interval', 'p', 'real'],
    rows,
  );
}

function speedOf({ speedup }: Comparison): string {
  return speedup.toFixed(2);
}

function waterfalls(result: BenchResult): string {
  const charts = waterfallCharts(result);
  if (charts === '') return '';
  const key = KEY.map(
    ([outcome, meaning]) =>
      `<span><svg width="12" height="12" aria-hidden="true" style="display:inline"><rect width="12" height="12" class="${outcome}"/></svg> ${meaning}</span>`,
  );
  return `<p class="quiet">The pull nearest to the median. Thin and pale: waiting; thick: receiving. By what the first cache did:</p><p class="key quiet">${key.join(' ')}</p>${charts}`;
}

function outcomesTable({ variants }: BenchResult): string {
  const rows = variants.flatMap(({ name, phases }) =>
    phases.flatMap((phase) =>
      phase.outcomes.map(({ hop, counts }) => {
        const wait = phase.waits.find((each) => each.hop === hop);
        const words = Object.entries(counts).map(([outcome, count]) => `${count} ${outcome}`);
        return [
          `${name}${kindOf(phase)}`,
          hop,
          words.join(', '),
          wait === undefined ? '–' : duration(wait.medianMs),
        ];
      }),
    ),
  );
  if (rows.length === 0) return '';
  return htmlTable(
    'What each cache did, and how long it waited for the next one (median)',
    ['variant', 'cache', 'outcomes', 'waited'],
    rows,
  );
}

function linksTable({ links }: BenchResult): string {
  if (links.length === 0) return '';
  const off = (measured: number, asked: number): string =>
    asked > 0 && Number.isFinite(asked) ? `${((measured / asked - 1) * 100).toFixed(1)} %` : '–';
  const rows = links.map((link) => [
    link.name,
    duration(link.roundTripMs),
    duration(link.measuredRoundTripMs),
    off(link.measuredRoundTripMs, link.roundTripMs),
    rate(link.connectionBitsPerSecond),
    rate(link.measuredConnectionBitsPerSecond),
    off(link.measuredConnectionBitsPerSecond, link.connectionBitsPerSecond),
    rate(link.rateBitsPerSecond),
    share(link.lossRatio),
    duration(link.jitterMs),
  ]);
  const head = [
    'link',
    'round trip',
    'measured',
    'off',
    'a connection',
    'measured',
    'off',
    'in all',
    'loss',
    'jitter',
  ];
  return htmlTable('What was asked of each link, and what it did before the run', head, rows);
}

function settings({ settings: all, images }: BenchResult): string {
  const pulled = images.map(
    ({ reference, layerBytes, totalBytes, platforms }) =>
      `${reference}: ${megabytes(totalBytes)}, layers ${layerBytes.map(megabytes).join(', ')}${platforms > 1 ? `, one of ${platforms} platforms` : ''}`,
  );
  const lines = [
    `as ${all.client} pulls, ${all.parallelLayers} layers at a time`,
    `${all.rounds} rounds, ${all.warmPulls} warm pulls after each cold one, clients at once: ${all.concurrency.join(', ')}; seed ${all.seed}`,
    ...pulled,
  ];
  return `<ul>${lines.map((line) => `<li>${escapeHtml(line)}</li>`).join('\n')}</ul>`;
}
