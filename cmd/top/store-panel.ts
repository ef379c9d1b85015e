import type { StoreFacts } from '../../src/control/snapshot.ts';
import { age, bytes, count, digestText, percent } from './figures.ts';
import { fitLine, type Line, line, span } from './line.ts';
import { listPanel } from './list-panel.ts';
import { meter } from './meter.ts';
import type { PanelOf } from './panel-content.ts';
import type { Signs } from './signs.ts';
import type { ExpiringFacts } from './sort.ts';
import type { Column } from './table.ts';

const LITTLE_FREE = 0.05;
const WIDEST_METER = 80;

/** How much is stored, against the quota or else the disk, and what goes next. */
export const storePanel: PanelOf = (snapshot, options) => {
  const { store, atMs } = snapshot;
  const { width, height, signs } = options;
  const head = storeHead(store, width, signs);
  // One line for their titles, and one at least for what there is to say.
  const listHeight = height - head.length;
  if (listHeight < 2) return { title: 'Store', note: store.root, lines: head.slice(0, height) };
  const expiring = listPanel(
    {
      title: 'Store',
      list: 'store',
      items: store.expiring,
      columns: columns(atMs),
      empty: store.ttlMs === undefined ? 'nothing expires: no blobttl is set' : 'nothing expires soon',
    },
    { ...options, height: listHeight },
  );
  return { title: 'Store', note: store.root, lines: [...head, ...expiring.lines] };
};

/** What stands over the list of what goes next. */
export function storeHead(store: StoreFacts, width: number, signs: Signs): readonly Line[] {
  return [
    ...(store.failure === undefined ? [] : [failureLine(store.failure, width, signs)]),
    usedLine(store, signs),
    meterLine(store, width, signs),
    diskLine(store, signs),
  ];
}

function failureLine(failure: string, width: number, signs: Signs): Line {
  const text = ` ${signs.down} nothing can be stored: ${failure}`;
  return fitLine([span(text, 'bad')], { width }, signs);
}

function usedLine({ bytes: used, blobs, ttlMs, quotaBytes }: StoreFacts, signs: Signs): Line {
  return line(
    ' ',
    span(bytes(used), 'bold'),
    span(quotaBytes === undefined ? '' : ` of ${bytes(quotaBytes)}`),
    span(` ${signs.dot} ${count(blobs)} blobs ${signs.dot} `, 'dim'),
    span(ttlMs === undefined ? 'no TTL' : `TTL ${age(ttlMs)}`, 'dim'),
  );
}

/** Used of the quota; without one, of the disk, with what others have taken of it. */
export function storeMeter(store: StoreFacts, width: number, signs: Signs): Line {
  const { bytes: used, quotaBytes, diskBytes, diskFreeBytes } = store;
  const tone = store.failure === undefined ? 'good' : 'bad';
  if (quotaBytes !== undefined)
    return meter([{ share: used / quotaBytes, tone, sign: 'full' }], width, signs);
  const others = Math.max(0, diskBytes - diskFreeBytes - used);
  return meter(
    [
      { share: used / diskBytes, tone, sign: 'full' },
      { share: others / diskBytes, tone: 'dim', sign: 'other' },
    ],
    width,
    signs,
  );
}

/** `81.2 % of the quota`, `disk 56.4 % full` */
export function storeShare(store: StoreFacts): string {
  const share = percent(usedShare(store));
  return store.quotaBytes === undefined ? `disk ${share} full` : `${share} of the quota`;
}

/** As {@link storeShare}, for a narrow column: `81.2 % quota`, `56.4 % disk`. */
export function shortStoreShare(store: StoreFacts): string {
  return `${percent(usedShare(store))} ${store.quotaBytes === undefined ? 'disk' : 'quota'}`;
}

/** Of the quota; without one, of the disk, whoever uses it. */
function usedShare({ bytes: used, quotaBytes, diskBytes, diskFreeBytes }: StoreFacts): number | undefined {
  const [part, whole] =
    quotaBytes === undefined ? [diskBytes - diskFreeBytes, diskBytes] : [used, quotaBytes];
  return whole === 0 ? undefined : part / whole;
}

function meterLine(store: StoreFacts, width: number, signs: Signs): Line {
  const text = storeShare(store);
  const bar = Math.min(WIDEST_METER, Math.max(4, width - text.length - 3));
  return line(' ', ...storeMeter(store, bar, signs), ` ${text}`);
}

function diskLine({ diskBytes, diskFreeBytes }: StoreFacts, signs: Signs): Line {
  const isLow = diskFreeBytes < diskBytes * LITTLE_FREE;
  return line(
    ' ',
    span('disk ', 'dim'),
    span(`${bytes(diskFreeBytes)} free`, isLow ? 'warn' : 'plain'),
    span(` of ${bytes(diskBytes)}${isLow ? ` ${signs.warning}` : ''}`, 'dim'),
  );
}

function columns(atMs: number): readonly Column<ExpiringFacts>[] {
  return [
    {
      title: 'expires in',
      width: 11,
      sortedBy: ['soonest first'],
      cell: (blob) => line(age(blob.atMs - atMs)),
    },
    {
      title: 'repository',
      width: { weight: 1 },
      shorten: 'middle',
      sortedBy: ['by repository'],
      cell: ({ repository }) =>
        line(span(repository ?? 'none any more', repository === undefined ? 'dim' : 'plain')),
    },
    {
      title: 'digest',
      width: 13,
      shorten: 'middle',
      from: 72,
      cell: ({ digest }) => line(span(digestText(digest), 'dim')),
    },
    {
      title: 'size',
      width: 9,
      align: 'right',
      sortedBy: ['largest first'],
      cell: ({ sizeBytes }) => line(bytes(sizeBytes)),
    },
  ];
}
