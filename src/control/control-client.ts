import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { UserError } from '../user-error.ts';
import { type ControlTarget, controlTargetText } from './control-target.ts';
import { noDaemon } from './no-daemon.ts';
import { printable } from './printable.ts';
import { readLines } from './read-lines.ts';
import { CONTROL_VERSION, type DayTally, type Snapshot } from './snapshot.ts';
import { daysShape, snapshotShape } from './snapshot-shape.ts';

/** Asks one running daemon. Each call is a connection of its own, so that there is nothing to close. */
export interface ControlClient {
  /** @throws {UserError} NO_DAEMON, CONTROL_DENIED, CONTROL_FOREIGN, CONTROL_VERSION or CONTROL_LOST; the signal's reason */
  snapshot(signal: AbortSignal): Promise<Snapshot>;
  /**
   * Its reads of the last so many days, today included, by day and namespace.
   * @throws as `snapshot` does
   */
  daily(signal: AbortSignal, days: number): Promise<readonly DayTally[]>;
  /**
   * A snapshot at each interval, the first one at once, until the signal aborts; leaving the loop ends it too.
   * @throws as `snapshot` does; CONTROL_LOST where the daemon ends, or is silent for three intervals and two seconds
   */
  watch(signal: AbortSignal, intervalMs: number): AsyncIterable<Snapshot>;
}

export interface ControlClientOptions {
  /** How long a daemon may be silent beside the intervals that it was asked to wait. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 2000;

/** Makes a client of a daemon's control channel; nothing is asked yet. */
export function connectControl(
  target: ControlTarget,
  { patienceMs = PATIENCE_MS }: ControlClientOptions = {},
): ControlClient {
  return {
    snapshot: async (signal) => {
      const ask: Ask = { target, path: '/control/v1/snapshot', silenceMs: patienceMs, signal };
      for await (const line of answerLines(ask)) return toSnapshot(line, target);
      throw lost(target, 'it has answered nothing');
    },
    daily: async (signal, days) => {
      const ask: Ask = { target, path: `/control/v1/daily?days=${days}`, silenceMs: patienceMs, signal };
      for await (const line of answerLines(ask)) {
        const tallies = parseJson(line);
        const wrong = daysShape(tallies, '');
        if (wrong === undefined) return tallies as readonly DayTally[];
        throw foreign(target, `what it answers is no list of days${wrong === '' ? '' : ` (${wrong})`}`);
      }
      throw lost(target, 'it has answered nothing');
    },
    watch: async function* watch(signal, intervalMs) {
      const path = `/control/v1/watch?interval=${intervalMs}`;
      const ask: Ask = { target, path, silenceMs: 3 * intervalMs + patienceMs, signal };
      for await (const line of answerLines(ask)) yield toSnapshot(line, target);
      throw lost(target, 'it has ended');
    },
  };
}

interface Ask {
  readonly target: ControlTarget;
  readonly path: string;
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

/** The lines of one answer, as they come. */
async function* answerLines(ask: Ask): AsyncGenerator<string, void, undefined> {
  const { target, signal } = ask;
  signal.throwIfAborted();
  const request = open(ask);
  try {
    const answer = await head(request);
    if (answer.statusCode !== 200) {
      throw foreign(target, `it answers ${answer.statusCode} to GET ${ask.path.split('?')[0]}`);
    }
    yield* readLines(answer);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof UserError ? error : told(error, target);
  } finally {
    request.destroy();
  }
}

function open({ target, path, silenceMs, signal }: Ask): ClientRequest {
  const options = { path, agent: false, signal, timeout: silenceMs, headers: { 'user-agent': 'regcache' } };
  const request =
    target.kind === 'socket'
      ? requestHttp({ ...options, socketPath: target.path, host: 'localhost' })
      : (target.url.startsWith('https:') ? requestHttps : requestHttp)(new URL(path, target.url), options);
  let answer: IncomingMessage | undefined;
  request.once('response', (response) => (answer = response));
  // Once an answer has begun, its reader hears only of what ends the answer itself.
  request.once('timeout', () =>
    (answer ?? request).destroy(lost(target, `it was silent for ${silenceMs / 1000} s`)),
  );
  return request.end();
}

async function head(request: ClientRequest): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    request.once('response', resolve);
    // It stays: a connection that breaks while nobody reads is no fault of this program.
    request.on('error', reject);
  });
}

function toSnapshot(line: string, target: ControlTarget): Snapshot {
  const value = parseJson(line);
  const isVersioned = typeof value === 'object' && value !== null && 'version' in value;
  if (!isVersioned || typeof value.version !== 'number') {
    throw foreign(target, 'what it answers is no snapshot');
  }
  if (value.version !== CONTROL_VERSION) {
    throw new UserError(
      'CONTROL_VERSION',
      `the regcache at ${controlTargetText(target)} speaks version ${value.version} of the control channel, and this one version ${CONTROL_VERSION}`,
      { value: controlTargetText(target), hint: 'use a regcache of the same release here', exitCode: 1 },
    );
  }
  const wrong = snapshotShape(value, '');
  if (wrong !== undefined) throw foreign(target, `its snapshot has no good ${printable(wrong)}`);
  return value as Snapshot;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A failure of the connection in words. */
function told(error: unknown, target: ControlTarget): UserError {
  const value = controlTargetText(target);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'EACCES' || code === 'EPERM') {
    return new UserError('CONTROL_DENIED', `${value} may not be opened by this user (${code})`, {
      value,
      hint: 'run it as the user that runs `regcache serve`, or name the debug address with --connect',
      exitCode: 1,
      cause: error,
    });
  }
  if (code.startsWith('HPE_')) return foreign(target, 'what it answers is no HTTP');
  const reason = code === '' ? String(error instanceof Error ? error.message : error) : code;
  if (['ECONNRESET', 'EPIPE', 'ABORT_ERR'].includes(code))
    return lost(target, `its connection broke off (${reason})`, error);
  return noDaemon(value, reason, error);
}

function lost(target: ControlTarget, reason: string, cause?: unknown): UserError {
  const value = controlTargetText(target);
  return new UserError('CONTROL_LOST', `lost the regcache on ${value}: ${reason}`, {
    value,
    hint: 'is `regcache serve` still running there?',
    exitCode: 1,
    ...(cause === undefined ? {} : { cause }),
  });
}

function foreign(target: ControlTarget, reason: string): UserError {
  const value = controlTargetText(target);
  return new UserError('CONTROL_FOREIGN', `${value} is no regcache's control channel: ${reason}`, {
    value,
    hint: 'name the socket below the storage root, or the address of http.debug',
    exitCode: 1,
  });
}
