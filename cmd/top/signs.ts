/** The characters that are drawn with. */
export interface Signs {
  readonly up: string;
  readonly down: string;
  readonly paused: string;
  readonly warning: string;
  readonly rule: string;
  /** From one hop to the next. */
  readonly towards: string;
  /** Stands for what was left out. */
  readonly more: string;
  /** Behind the title of the column that a list is sorted by. */
  readonly sorted: string;
  /** The same, where it is the other way round. */
  readonly reversed: string;
  /** Between facts of one line. */
  readonly dot: string;
  /** From nothing to full, for lines of history. */
  readonly levels: readonly string[];
  readonly full: string;
  readonly other: string;
  readonly free: string;
  readonly cursor: string;
}

const UNICODE: Signs = {
  up: '●',
  down: '✖',
  paused: '◌',
  warning: '!',
  rule: '─',
  towards: '─▶',
  more: '…',
  sorted: '▾',
  reversed: '▴',
  dot: '·',
  levels: ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
  full: '█',
  other: '▒',
  free: '░',
  cursor: '█',
};

const ASCII: Signs = {
  up: '*',
  down: 'x',
  paused: 'o',
  warning: '!',
  rule: '-',
  towards: '->',
  more: '~',
  sorted: '>',
  reversed: '<',
  dot: '|',
  levels: ['.', ':', '-', '=', '+', '*', '#', '@'],
  full: '#',
  other: '=',
  free: '.',
  cursor: '_',
};

/** Characters that this terminal can show: ASCII where the locale is another one than UTF-8, or the console is Linux's own. */
export function signsFor(env: Readonly<Record<string, string | undefined>>): Signs {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((name) => (name ?? '') !== '');
  if (env['TERM'] === 'linux' || env['TERM'] === 'dumb') return ASCII;
  return locale === undefined || /utf-?8/i.test(locale) ? UNICODE : ASCII;
}
