import type { BenchResult } from '../result.ts';

const COLUMNS = [
  'variant',
  'hops',
  'kind',
  'concurrency',
  'round',
  'image',
  'held',
  'manifest_ms',
  'first_byte_ms',
  'image_ms',
  'bytes',
  'requests',
  'error',
] as const;

/** One line for each pull (RFC 4180, with a header); text that a spreadsheet would run is quoted harmless. */
export function benchCsv({ variants }: BenchResult): string {
  const rows = variants.flatMap(({ name, hops, phases }) =>
    phases.flatMap(({ kind, concurrency, pulls }) =>
      pulls.map((pull) => [
        name,
        hops.join('>'),
        kind,
        concurrency,
        pull.round,
        pull.image,
        pull.held,
        pull.manifestMs.toFixed(1),
        pull.firstByteMs.toFixed(1),
        pull.imageMs.toFixed(1),
        pull.bytes,
        pull.requests.length,
        pull.error ?? '',
      ]),
    ),
  );
  return [COLUMNS, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

function cell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const harmless = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
