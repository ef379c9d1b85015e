import type { Outcome } from '../../telemetry/event.ts';
import type { HopAnswer } from '../result.ts';

const ITEM =
  /\s*(?:"((?:[^"\\]|\\.)*)"|([A-Za-z*][\w:/.*!#$%&'+^`|~-]*))((?:\s*;\s*[a-z*][\w.*-]*(?:=(?:"(?:[^"\\]|\\.)*"|[^",;\s]*))?)*)\s*(?:,|$)/y;
const TIMING = /^\s*([\w.-]+)\s*;\s*dur=(\d+(?:\.\d+)?)\s*$/;

/**
 * What the caches on the way of an answer say they did: `Cache-Status` (RFC 9211) and regcache's `Server-Timing`.
 * @returns outermost first; empty where none says anything, and what cannot be read is left out with all before it
 */
export function readHopAnswers(
  cacheStatus: string | undefined,
  serverTiming: string | undefined,
): readonly HopAnswer[] {
  const waits = readWaits(serverTiming ?? '');
  const entries = readEntries(cacheStatus ?? '');
  return entries
    .map(({ name, parameters }, index) => ({
      hop: name,
      outcome: outcomeOf(parameters),
      waitedMs: waits.get(
        index === entries.length - 1 ? 'upstream' : `${name.replaceAll(/[^A-Za-z0-9_-]/g, '_')}.upstream`,
      ),
    }))
    .toReversed();
}

function readEntries(field: string): { name: string; parameters: string }[] {
  const entries: { name: string; parameters: string }[] = [];
  ITEM.lastIndex = 0;
  while (ITEM.lastIndex < field.length) {
    const match = ITEM.exec(field);
    if (match === null) return [];
    entries.push({
      name: match[1]?.replaceAll(/\\(.)/g, '$1') ?? match[2] ?? '',
      parameters: match[3] ?? '',
    });
  }
  return entries;
}

function readWaits(field: string): ReadonlyMap<string, number> {
  const waits = new Map<string, number>();
  for (const entry of field.split(',')) {
    const [, metric, milliseconds] = TIMING.exec(entry) ?? [];
    if (metric !== undefined) waits.set(metric, Number(milliseconds));
  }
  return waits;
}

/** The word of logs and metrics for an entry's parameters. */
function outcomeOf(parameters: string): Outcome | undefined {
  const detail = /;\s*detail="?(\w+)/.exec(parameters)?.[1];
  if (/;\s*hit(?![\w=])/.test(parameters)) {
    return detail === 'prefetched' || detail === 'stale' ? detail : 'hit';
  }
  if (/;\s*collapsed(?![\w=])/.test(parameters)) return 'joined';
  const forwarded = /;\s*fwd=([\w-]+)/.exec(parameters)?.[1];
  if (forwarded === 'stale') return /;\s*fwd-status=304/.test(parameters) ? 'revalidated' : 'miss';
  if (forwarded === 'bypass') return 'bypass';
  return forwarded === undefined ? undefined : 'miss';
}
