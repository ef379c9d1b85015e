import { randomInt } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { sends } from '../../fixtures/behaviour.ts';
import { type Content, seededContent } from '../bench/image/content.ts';
import { watchDialled } from '../../fixtures/dialled.ts';
import { type HostileRequest, INJECTED, SMUGGLED } from '../../fixtures/hostile-request.ts';
import { HOSTILE_REQUESTS } from '../../fixtures/hostile-requests.ts';
import { oddRequests } from '../../fixtures/odd-requests.ts';
import { openRaw, type RawAnswer, type RawConnection } from '../../fixtures/raw-client.ts';
import { type RunningCache, startCache } from '../../fixtures/running-cache.ts';
import { type ScriptedUpstream, startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';

const REQUESTS = 10_000;
const CONNECTIONS = 16;
const SEED = Number(process.env['REGCACHE_SEED'] ?? randomInt(2 ** 31));

/** What a server may say to such a request; 5xx only where it is about the request itself. */
const REFUSALS: ReadonlySet<number> = new Set([400, 404, 405, 408, 413, 414, 417, 431, 501, 505, 508]);
const FIELDS: ReadonlySet<string> = new Set([
  'allow',
  'cache-status',
  'connection',
  'content-length',
  'content-type',
  'date',
  'docker-distribution-api-version',
  'keep-alive',
  'oci-namespace',
  'transfer-encoding',
  'via',
]);

let origin: ScriptedUpstream;
let cache: RunningCache;
beforeAll(async () => {
  process.stderr.write(`hostile-requests: REGCACHE_SEED=${SEED}\n`);
  origin = await startScriptedUpstream();
  cache = await startCache({ origin: `${origin.url}\n            namespace: docker.io` });
});
afterAll(async () => {
  await cache[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});

/** What is wrong with an answer; undefined where nothing is. */
function faultOf({ harmless, method }: HostileRequest, answer: RawAnswer | undefined): string | undefined {
  if (answer === undefined) return 'no answer';
  const { status, headers, head, body } = answer;
  if (!REFUSALS.has(status) && !(harmless && status === 200)) return `status ${status}`;
  const strange = Object.keys(headers).find((name) => !FIELDS.has(name));
  if (strange !== undefined) return `the field ${strange}`;
  const text = body.toString('utf8');
  if (head.includes(INJECTED)) return 'it has put the request into its head';
  if (`${head}${text}`.includes(new URL(origin.url).host)) return 'it tells the upstream’s address';
  if (status === 200 || method === 'HEAD' || body.length === 0) return undefined;
  if (!headers['content-type']?.startsWith('application/json')) return 'its error is no JSON';
  return isOciError(text) ? undefined : `its error is ${text}`;
}

/** As {@link faultOf}, for requests that are for a blob after all. */
function faultOfBlob(blob: Content): typeof faultOf {
  const bytes = blob.read(0, blob.sizeBytes);
  return ({ method }, answer) => {
    if (answer === undefined) return 'no answer';
    const { status, headers, body } = answer;
    if (answer.head.includes(INJECTED)) return 'it has put the request into its head';
    if (![200, 206, 416].includes(status)) return `status ${status}`;
    if (method === 'HEAD' || status === 416) return status === 206 ? 'a part for HEAD' : undefined;
    const [, start = '0', end = ''] = /^bytes (\d+)-(\d+)\//.exec(headers['content-range'] ?? '') ?? [];
    if (status === 206 && end === '')
      return headers['content-type']?.startsWith('multipart/') ? undefined : 'a part of nothing';
    const right = status === 200 ? bytes : bytes.subarray(Number(start), Number(end) + 1);
    return body.equals(right) ? undefined : 'other bytes';
  };
}

function isOciError(text: string): boolean {
  const json: { errors?: { code?: unknown; message?: unknown; detail?: unknown }[] } = JSON.parse(text);
  const [error, ...others] = json.errors ?? [];
  const { code, message, detail: _detail, ...more } = error ?? {};
  const known = typeof code === 'string' && /^[A-Z_]+$/.test(code) && typeof message === 'string';
  return known && !message.includes(INJECTED) && others.length === 0 && Object.keys(more).length === 0;
}

/** Sends one request and looks at everything that comes of it. @returns what is wrong with that */
async function provoke(
  connection: RawConnection,
  request: HostileRequest,
  judge: typeof faultOf,
): Promise<string | undefined> {
  connection.send(request.bytes);
  if (request.last) connection.finish();
  const answer = await connection.answer(request.method);
  const fault = judge(request, answer);
  if (fault !== undefined) return fault;
  if (!request.last && answer?.headers['connection'] !== 'close') {
    return connection.rest.length === 0 ? undefined : 'more than one answer';
  }
  await connection.ended();
  return connection.rest.includes(SMUGGLED) ? 'an answer to what stood in the body' : undefined;
}

/** Sends them all over a few connections, each of them kept as long as the server keeps it. */
async function provokeAll(
  requests: readonly HostileRequest[],
  judge: typeof faultOf = faultOf,
): Promise<readonly string[]> {
  const waiting = requests.entries();
  const faults: string[] = [];
  const work = async (): Promise<void> => {
    let connection: RawConnection | undefined;
    for (const [index, request] of waiting) {
      if (connection === undefined || connection.isOver) connection = await openRaw(cache.url);
      const fault = await provoke(connection, request, judge).catch(String);
      if (fault !== undefined) {
        faults.push(
          `${index}, ${request.what}, ${JSON.stringify(request.bytes.toString('latin1').slice(0, 300))}: ${fault}`,
        );
      }
      if (fault !== undefined || request.last) {
        connection[Symbol.dispose]();
        connection = undefined;
      }
    }
    connection?.[Symbol.dispose]();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  return faults;
}

describe('requests that nobody should send', { timeout: 120_000 }, () => {
  test(`are refused by 4xx, ${REQUESTS} of them, and the cache connects to nobody`, async () => {
    const requests = fc.sample(HOSTILE_REQUESTS, { numRuns: REQUESTS, seed: SEED });
    expect(requests).toHaveLength(REQUESTS);
    using dialled = watchDialled();
    expect(await provokeAll(requests)).toEqual([]);
    expect([...dialled.addresses]).toEqual([new URL(cache.url).host]);
    expect(origin.requests).toEqual([]);
    expect([...cache.told('internal-error'), ...cache.told('answer-cut')]).toEqual([]);
    expect((await cache.ask('/v2/')).status).toBe(200);
    await vi.waitFor(() => expect(cache.daemon.openRequests).toBe(0), { timeout: 10_000 });
  });

  test('though they mean something get that and no more, and the upstream hears nothing of the rest', async () => {
    const blob = seededContent('odd', 3000);
    const path = `/v2/lib/app/blobs/${blob.digest}`;
    // Which of them comes first, and so how often what is not held yet is asked for by HEAD, is chance.
    origin.on('GET', path, sends(blob)).always('HEAD', path, sends(blob));
    using dialled = watchDialled();
    const requests = fc.sample(oddRequests(path), { numRuns: 1000, seed: SEED });
    expect(await provokeAll(requests, faultOfBlob(blob))).toEqual([]);
    expect([...dialled.addresses].toSorted()).toEqual(
      [cache.url, origin.url].map((url) => new URL(url).host).toSorted(),
    );
    const known = ['accept-encoding', 'connection', 'host', 'user-agent', 'via'];
    for (const { url, headers } of origin.requests)
      expect([url, Object.keys(headers).toSorted()]).toEqual([path, known]);
    expect(cache.told('internal-error')).toEqual([]);
  });
});
