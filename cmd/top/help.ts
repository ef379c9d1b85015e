import { fitLine, type Line, line, span } from './line.ts';
import type { Signs } from './signs.ts';

type Entry = readonly [term: string, meaning: string];

const KEYS: readonly Entry[] = [
  ['1-6, Tab', 'overview, fills, upstreams, store, repositories, pulls'],
  ['up, down', 'scroll a list; PgUp, PgDn, Home, End too'],
  ['s, S', 'next order of the list, and the other way round'],
  ['/', 'filter lists by repository or namespace'],
  ['p', 'pause the screen, and go on'],
  ['d', 'of several daemons: all, or one after the other'],
  ['Esc', 'close this, clear the filter'],
  ['q, Ctrl-C', 'quit'],
];

const WORDS: readonly Entry[] = [
  ['hit rate', 'by requests: hits of all reads of manifests and blobs'],
  ['', 'by bytes: 1 less bytes from upstream / bytes to clients'],
  ['hit', 'stored before, and used before'],
  ['revalidated', 'a held tag that the upstream said is unchanged'],
  ['prefetched', 'here only because this cache fetched ahead: no hit'],
  ['joined', 'came in already, for somebody else'],
  ['miss', 'fetched: new, expired, changed, head, refused, failed'],
  ['stale', 'a held tag, given because the upstream cannot be asked'],
  ['bypass', 'streamed through, for the store cannot take it'],
  ['saved', 'bytes to clients less bytes from upstream'],
  ['followers', 'clients that read a fill that is still running'],
  ['p50, p95', 'half, and 19 of 20, of the last answers began sooner'],
  ['errors', 'failures of the requests of the last five minutes'],
];

const TERM = 13;
const TWO_COLUMNS = 130;

/** The keys and the words, in two columns where there is room for them; all of it, however high the screen is. */
export function helpLines(width: number, signs: Signs): readonly Line[] {
  if (width < TWO_COLUMNS)
    return [...section('Keys', KEYS, width, signs), [], ...section('Words', WORDS, width, signs)];
  const half = Math.floor(width / 2);
  const [keys, words] = [section('Keys', KEYS, half, signs), section('Words', WORDS, half, signs)];
  return words.map((right, index) => [...fitLine(keys[index] ?? [], { width: half }, signs), ...right]);
}

function section(title: string, entries: readonly Entry[], width: number, signs: Signs): readonly Line[] {
  const entry = ([term, meaning]: Entry): Line =>
    fitLine(
      [...fitLine([span(` ${term}`, 'accent')], { width: TERM }, signs), span(meaning)],
      { width },
      signs,
    );
  return [line(' ', span(title, 'bold')), ...entries.map(entry)];
}
