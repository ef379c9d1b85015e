import type { RequestListener, ServerResponse } from 'node:http';
import type { Clock } from '../async/clock.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { DayTally, Snapshot } from './snapshot.ts';

export interface ControlDeps {
  readonly snapshot: () => Promise<Snapshot>;
  /** The last so many days, today included. */
  readonly days: (count: number) => Promise<readonly DayTally[]>;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
}

const PREFIX = '/control/v1/';
const INTERVAL_MS = { least: 100, usual: 1_000, most: 3_600_000 };
const DAYS = { least: 1, usual: 7, most: 400 };
/** A watcher that does not read misses events; it is told how many. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/**
 * What is asked of a running daemon, by path, read-only: `snapshot`, `watch` (a snapshot at each `interval` in
 * milliseconds, a line each), `events` (a line each, those of the `kind`s asked for) and `daily` (of the last `days`),
 * all below `/control/v1/`.
 */
export function controlRoutes(deps: ControlDeps): ReadonlyMap<string, RequestListener> {
  const routes: Readonly<Record<string, Answer>> = {
    snapshot: async (_query, response) => sendJson(response, 200, await deps.snapshot()),
    watch: async (query, response) => watch(response, numberOf(query.get('interval'), INTERVAL_MS), deps),
    events: (query, response) => streamEvents(response, new Set(query.getAll('kind')), deps.telemetry),
    daily: async (query, response) =>
      sendJson(response, 200, await deps.days(numberOf(query.get('days'), DAYS))),
  };
  return new Map(Object.entries(routes).map(([name, answer]) => [`${PREFIX}${name}`, listenerOf(answer)]));
}

type Answer = (query: URLSearchParams, response: ServerResponse) => Promise<void> | void;

function listenerOf(answer: Answer): RequestListener {
  return (request, response) => {
    const query = new URLSearchParams(request.url?.split('?', 2)[1] ?? '');
    const failed = (error: unknown): void => {
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { error: error instanceof Error ? error.message : String(error) });
    };
    Promise.resolve()
      .then(() => answer(query, response))
      .catch(failed);
  };
}

async function watch(response: ServerResponse, intervalMs: number, deps: ControlDeps): Promise<void> {
  const left = startLines(response);
  while (!left.aborted) {
    // A watcher that has not read the last one gets the next one later.
    if (!response.writableNeedDrain) response.write(`${JSON.stringify(await deps.snapshot())}\n`);
    await deps.clock.sleep(intervalMs, left).catch(() => undefined);
  }
}

function streamEvents(response: ServerResponse, kinds: ReadonlySet<string>, telemetry: Telemetry): void {
  const left = startLines(response);
  let skipped = 0;
  const leave = telemetry.subscribe((event) => {
    if (kinds.size > 0 && !kinds.has(event.kind)) return;
    if (response.writableLength > MAX_UNREAD_BYTES) {
      skipped += 1;
      return;
    }
    if (skipped > 0) response.write(`${JSON.stringify({ kind: 'skipped', events: skipped })}\n`);
    skipped = 0;
    response.write(`${JSON.stringify(event)}\n`);
  });
  left.addEventListener('abort', leave, { once: true });
}

/** Begins an answer of lines of JSON that ends when its reader leaves. */
function startLines(response: ServerResponse): AbortSignal {
  const left = new AbortController();
  response.once('close', () => left.abort(new Error('the watcher left')));
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  response.flushHeaders();
  return left.signal;
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(`${JSON.stringify(value)}\n`);
}

function numberOf(
  text: string | null,
  { least, usual, most }: { readonly least: number; readonly usual: number; readonly most: number },
): number {
  const number = text === null || !/^\d{1,10}$/.test(text) ? usual : Number(text);
  return Math.min(most, Math.max(least, number));
}
