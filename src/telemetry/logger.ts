import { type Logger, pino } from 'pino';
import { PinoPretty as pretty } from 'pino-pretty';
import type { TelemetryEvent } from './event.ts';

export interface LogOptions {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly formatter: 'text' | 'json';
  /** Put into every line. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Whether each request gets its line. */
  readonly accessLog: boolean;
  readonly colour: boolean;
  /** Where lines go; the program's own is standard error. */
  readonly destination: NodeJS.WritableStream;
}

/** A consumer of events that writes one line for each, with `event` as its stable name. */
export class EventLog {
  readonly #logger: Logger;
  readonly #accessLog: boolean;

  constructor(options: LogOptions) {
    const destination =
      options.formatter === 'json'
        ? options.destination
        : pretty({
            destination: options.destination,
            colorize: options.colour,
            singleLine: true,
            translateTime: 'UTC:yyyy-mm-dd"T"HH:MM:ss.l"Z"',
            ignore: 'pid,hostname,event',
          });
    this.#accessLog = options.accessLog;
    this.#logger = pino(
      {
        level: options.level,
        base: options.fields,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      destination,
    );
  }

  /** Changes what is worth a line while the program runs. */
  setLevel(level: LogOptions['level']): void {
    this.#logger.level = level;
  }

  readonly write = (event: TelemetryEvent): void => {
    if (event.kind === 'request' && !this.#accessLog) return;
    if (isUnlogged(event)) return;
    const { kind, ...fields } = event;
    this.#logger[levelOf(event)]({ event: kind, ...fields }, messageOf(event));
  };
}

/** What is told too often for a log: others count it. */
type UnloggedEvent = Extract<
  TelemetryEvent,
  { kind: 'sent' | 'received' | 'upstream-answer' | 'store-written' }
>;

/** What is worth a line. */
type LoggedEvent = Exclude<TelemetryEvent, UnloggedEvent>;

function isUnlogged(event: TelemetryEvent): event is UnloggedEvent {
  switch (event.kind) {
    case 'sent':
    case 'received':
    case 'upstream-answer':
    case 'store-written':
      return true;
    default:
      return false;
  }
}

function levelOf(event: LoggedEvent): LogOptions['level'] {
  switch (event.kind) {
    case 'digest-mismatch':
    case 'fill-failed':
    case 'store-write-failed':
    case 'sweep-failed':
    case 'reload-failed':
    case 'internal-error':
      return 'error';
    case 'upstream-failed':
    case 'hop-failed':
    case 'hop-down':
    case 'check-failed':
    case 'fill-resumed':
    case 'answer-cut':
    case 'warning':
      return 'warn';
    case 'fill-started':
    case 'fill-finished':
      return 'debug';
    case 'request':
    case 'listening':
    case 'draining':
    case 'stopped':
    case 'reloaded':
    case 'swept':
    case 'hop-up':
    case 'check-passed':
      return 'info';
  }
}

function hintOf({ hint }: { readonly hint: string | undefined }): string {
  return hint === undefined ? '' : ` – ${hint}`;
}

function messageOf(event: LoggedEvent): string {
  switch (event.kind) {
    case 'listening':
      return event.role === 'registry' ? `serving on ${event.url}` : `debug server on ${event.url}`;
    case 'draining':
      return `${event.signal}: no new connections, ${event.openRequests} answers still running`;
    case 'stopped':
      return 'stopped';
    case 'warning':
      return event.message;
    case 'reloaded':
      return event.unchanged.length === 0
        ? 'configuration reloaded'
        : `configuration reloaded; needs a restart: ${event.unchanged.join(', ')}`;
    case 'reload-failed':
      return `configuration not reloaded, the old one stays: ${event.message}`;
    case 'request':
      return `${event.method} ${event.target} ${event.status}${event.outcome === undefined ? '' : ` ${event.outcome}`}`;
    case 'answer-cut':
      return `${event.request} ended short: ${event.reason}`;
    case 'internal-error':
      return `a fault of regcache itself in ${event.request}: ${event.reason}`;
    case 'fill-started':
      return `fetching ${event.digest} from ${event.upstream}`;
    case 'fill-resumed':
      return `${event.upstream} broke off at byte ${event.offsetBytes} (${event.reason}); going on from there`;
    case 'fill-finished':
      return `stored ${event.digest}`;
    case 'fill-failed':
      return `could not fetch ${event.digest} from ${event.upstream}: ${event.reason}`;
    case 'digest-mismatch':
      return `${event.upstream} sent wrong bytes: wanted ${event.wanted}, got ${event.got}; nothing was stored`;
    case 'upstream-failed':
      return `${event.upstream}: ${event.reason}${hintOf(event)}`;
    case 'hop-failed':
      return `${event.upstream}: ${event.reason}; asking ${event.next} instead${hintOf(event)}`;
    case 'hop-down':
      return `${event.upstream} is down: ${event.reason}${hintOf(event)}`;
    case 'hop-up':
      return `${event.upstream} is back after ${Math.round(event.downMs / 100) / 10} s`;
    case 'store-write-failed':
      return `cannot store ${event.digest} (${event.reason}); streaming it through instead`;
    case 'swept':
      return `removed ${event.digest}, unused for its TTL`;
    case 'check-failed':
      return `the health check ${event.check} fails: ${event.reason}`;
    case 'check-passed':
      return `the health check ${event.check} does not fail any more`;
    case 'sweep-failed':
      return `the sweeper could not remove what has expired: ${event.reason}`;
  }
}
