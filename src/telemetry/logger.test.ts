import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { parseDigest } from '../oci/digest.ts';
import type { RequestEvent, TelemetryEvent } from './event.ts';
import { EventLog, type LogOptions } from './logger.ts';
import { Telemetry } from './telemetry.ts';

const DIGEST = parseDigest(`sha256:${'a'.repeat(64)}`);
const REQUEST: RequestEvent = {
  kind: 'request',
  id: 'r1',
  method: 'GET',
  target: '/v2/lib/app/manifests/v1',
  status: 200,
  resource: 'manifest',
  outcome: 'miss',
  missReason: 'new',
  namespace: 'docker.io',
  repository: 'lib/app',
  reference: 'v1',
  bytesSent: 1234,
  durationMs: 12.3,
  upstreamMs: 10.1,
  client: '10.0.0.7',
  userAgent: 'containerd/2.1',
  complete: true,
};

/** What a log writes of these events. */
async function logged(events: readonly TelemetryEvent[], options: Partial<LogOptions> = {}): Promise<string> {
  const destination = new PassThrough();
  let text = '';
  destination.on('data', (piece: Buffer) => {
    text += piece.toString();
  });
  const log = new EventLog({
    level: 'debug',
    formatter: 'json',
    fields: {},
    accessLog: true,
    colour: false,
    destination,
    ...options,
  });
  const last: TelemetryEvent = { kind: 'reload-failed', message: 'the last line' };
  for (const event of [...events, last]) log.write(event);
  while (!text.includes('the last line')) await once(destination, 'data');
  return text;
}

async function lines(
  events: readonly TelemetryEvent[],
  options: Partial<LogOptions> = {},
): Promise<Record<string, unknown>[]> {
  const text = await logged(events, options);
  const all = text.trim().split('\n');
  return all.slice(0, -1).map((line): Record<string, unknown> => JSON.parse(line));
}

describe('the JSON log', () => {
  it('has a request’s outcome, waits, bytes and client as fields', async () => {
    const [line] = await lines([REQUEST], { fields: { service: 'china', env: 1 } });
    const { kind, ...fields } = REQUEST;
    expect(line).toMatchObject({
      ...fields,
      event: kind,
      level: 'info',
      msg: 'GET /v2/lib/app/manifests/v1 200 miss',
      service: 'china',
      env: 1,
    });
    expect(String(line?.['time'])).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('says nothing of what a request has not', async () => {
    const [line] = await lines([{ ...REQUEST, outcome: undefined, upstreamMs: undefined }]);
    expect(line).not.toHaveProperty('outcome');
    expect(line).not.toHaveProperty('upstreamMs');
    expect(line?.['msg']).toBe('GET /v2/lib/app/manifests/v1 200');
  });

  it('leaves requests out where the access log is disabled, and nothing else', async () => {
    const all = await lines([REQUEST, { kind: 'stopped' }], { accessLog: false });
    expect(all.map(({ event }) => event)).toEqual(['stopped']);
  });
});

const EVERY: readonly TelemetryEvent[] = [
  REQUEST,
  { kind: 'listening', url: 'http://127.0.0.1:5000', role: 'registry' },
  { kind: 'listening', url: 'http://127.0.0.1:5001', role: 'debug' },
  { kind: 'draining', signal: 'SIGTERM', openRequests: 2 },
  { kind: 'stopped' },
  { kind: 'warning', message: 'beware' },
  { kind: 'reloaded', changed: ['tagttl'], unchanged: [] },
  { kind: 'reloaded', changed: [], unchanged: ['http.addr'] },
  { kind: 'internal-error', request: 'GET /', reason: 'x is undefined', stack: 'at y' },
  { kind: 'fill-started', digest: DIGEST, repository: 'docker.io/a', upstream: 'u:5000', sizeBytes: 3 },
  {
    kind: 'fill-resumed',
    digest: DIGEST,
    upstream: 'u:5000',
    offsetBytes: 2,
    reason: 'the connection was cut',
  },
  { kind: 'fill-finished', digest: DIGEST, upstream: 'u:5000', sizeBytes: 3, durationMs: 1, connections: 1 },
  { kind: 'fill-failed', digest: DIGEST, upstream: 'u:5000', offsetBytes: 2, reason: 'it died' },
  { kind: 'digest-mismatch', wanted: DIGEST, got: DIGEST, upstream: 'u:5000' },
  {
    kind: 'upstream-failed',
    upstream: 'u:5000',
    request: 'tags',
    reason: 'connection refused',
    hint: 'check it',
  },
  { kind: 'store-write-failed', code: 'ENOSPC', digest: DIGEST, reason: 'no space left' },
  { kind: 'swept', reason: 'ttl', digest: DIGEST, sizeBytes: 3, repositories: 1 },
  { kind: 'sweep-failed', reason: 'EIO' },
  { kind: 'check-failed', check: '/away', reason: 'file exists' },
  { kind: 'check-passed', check: '/away' },
];

describe('levels', () => {
  it.each([
    ['error', 5],
    ['warn', 9],
    ['info', 18],
    ['debug', 20],
  ] as const)('%s writes %s of the kinds of events', async (level, count) => {
    const all = await lines(EVERY, { level });
    expect(all).toHaveLength(count);
    for (const { msg, event } of all) expect([event, String(msg).length > 3]).toEqual([event, true]);
  });

  it('can change while the program runs', async () => {
    const destination = new PassThrough();
    const log = new EventLog({
      level: 'error',
      formatter: 'json',
      fields: {},
      accessLog: true,
      colour: false,
      destination,
    });
    log.write({ kind: 'warning', message: 'unheard' });
    log.setLevel('warn');
    log.write({ kind: 'warning', message: 'heard' });
    const [bytes] = await once(destination, 'data');
    expect(String(bytes)).toContain('"heard"');
    expect(String(bytes)).not.toContain('unheard');
  });
});

describe('the text log', () => {
  it('has one line an event: time, level, words, fields', async () => {
    const text = await logged(EVERY, { formatter: 'text' });
    const all = text.trim().split('\n');
    expect(all).toHaveLength(EVERY.length + 1);
    expect(all[0]).toMatch(
      /^\[\d{4}-\d\d-\d\dT[\d:.]+Z\] INFO: GET \/v2\/lib\/app\/manifests\/v1 200 miss \{.*"client":"10\.0\.0\.7"/,
    );
    expect(text).toContain('u:5000: connection refused – check it');
    expect(text).toContain('configuration reloaded; needs a restart: http.addr');
    expect(text).not.toContain('\u001B[');
  });

  it('has colours where they are wanted', async () => {
    expect(await logged([REQUEST], { formatter: 'text', colour: true })).toContain('\u001B[');
  });
});

describe('Telemetry', () => {
  it('tells every listener, until it leaves', () => {
    const telemetry = new Telemetry();
    const heard: string[] = [];
    const leave = telemetry.subscribe(({ kind }) => heard.push(`a ${kind}`));
    telemetry.subscribe(({ kind }) => heard.push(`b ${kind}`));
    telemetry.emit({ kind: 'stopped' });
    leave();
    telemetry.emit({ kind: 'stopped' });
    expect(heard).toEqual(['a stopped', 'b stopped', 'b stopped']);
  });
});
