import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePort } from '../../fixtures/free-port.ts';
import { examine, targetOf, tryFault } from '../../fixtures/planted-fault.ts';
import {
  CREDENTIALS,
  faultOf,
  on,
  RegistryPair,
  type Row,
  status,
  tokenFor,
  wantsPassword,
  wantsToken,
} from '../../fixtures/registry-faults.ts';
import { REPOSITORY, sendJson } from '../../fixtures/small-registry.ts';

let pair: RegistryPair;

beforeEach(async () => {
  pair = await RegistryPair.start();
});

afterEach(async () => {
  await pair[Symbol.asyncDispose]();
});

const deadPort = await freePort();

const here = (): string => `${pair.registry.url.origin}/token`;
const elsewhere = (): string => `${pair.other.url.origin}/token`;
const V2 = '/v2/';
const ROWS: readonly Row[] = [
  [
    'no registry at the root',
    'api',
    'failed',
    /answers 404: there is no registry/,
    /host and port of the registry/,
    on(V2, status(404)),
  ],
  [
    'a web page',
    'api',
    'failed',
    /200 with a page that is no registry’s/,
    /host and port/,
    on(V2, (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')),
  ],
  ['a broken server', 'api', 'failed', /answers 500/, /that server’s log/, on(V2, status(500))],
  ['an overloaded proxy', 'api', 'failed', /answers 503/, /that server’s log/, on(V2, status(503))],
  [
    'moved elsewhere',
    'api',
    'failed',
    /redirects to http/,
    /write http:\/\/127\.0\.0\.1:\d+ into/,
    on(V2, (...[, response]) => response.writeHead(301, { location: `${pair.other.url.origin}/v2/` }).end()),
    () => ({ after: { url: pair.other.url } }),
  ],
  [
    'too many requests',
    'rate',
    'failed',
    /429: too many requests, again after 60 s/,
    /username/,
    on(V2, status(429, { 'retry-after': '60' })),
  ],
  ['no answer', 'api', 'failed', /no answer in time/, /curl -v/, on(V2, () => undefined)],
  [
    'no HTTP',
    'api',
    'failed',
    /not proper HTTP|cut/,
    /curl -v/,
    on(V2, ({ socket }) => socket.end('garbage\r\n\r\n')),
  ],
  [
    'cut off at once',
    'api',
    'failed',
    /the connection was cut/,
    /curl -v/,
    on(V2, ({ socket }) => socket.destroy()),
  ],
  ['a loop, as the hop sees it', 'loop', 'failed', /sees a loop/, /upstreamhosts/, on(V2, status(508))],
  [
    '401 without a way in',
    'auth',
    'failed',
    /says not how to log in/,
    /WWW-Authenticate/,
    on(V2, status(401)),
  ],
  [
    'an unknown way in',
    'auth',
    'failed',
    /it wants negotiate/,
    /Basic or Bearer/,
    on(V2, status(401, { 'www-authenticate': 'Negotiate' })),
  ],
  [
    'no password configured',
    'auth',
    'failed',
    /none is configured/,
    /username and passwordfile/,
    wantsPassword,
    () => ({ after: { credentials: CREDENTIALS } }),
  ],
  [
    'the wrong password',
    'auth',
    'failed',
    /does not accept the user name and the password \(401\)/,
    /docker login/,
    wantsPassword,
    () => ({
      before: { credentials: { username: 'user', password: 'wrong' } },
      after: { credentials: CREDENTIALS },
    }),
  ],
  [
    'a realm that is no URL',
    'auth',
    'failed',
    /no usable token realm/,
    /auth\.token\.realm/,
    wantsToken(() => 'somewhere', tokenFor),
  ],
  [
    'a realm that is down',
    'auth',
    'failed',
    /cannot be asked: connection refused/,
    /./,
    wantsToken(() => `http://127.0.0.1:${deadPort}/token`, tokenFor),
  ],
  ['a realm that fails', 'auth', 'failed', /answers 500/, /token service/, wantsToken(here, status(500))],
  [
    'a realm that sends no token',
    'auth',
    'failed',
    /sends no token/,
    /token service/,
    wantsToken(here, (...[, response]) => sendJson(response, {})),
  ],
  [
    'a realm for known users only',
    'auth',
    'failed',
    /gives tokens to nobody without a user name/,
    /username/,
    wantsToken(here, tokenFor),
    () => ({ after: { credentials: CREDENTIALS } }),
  ],
  [
    'a realm that refuses the password',
    'auth',
    'failed',
    /does not accept this user name and password \(401\)/,
    /docker login/,
    wantsToken(here, tokenFor),
    () => ({
      before: { credentials: { username: 'user', password: 'wrong' } },
      after: { credentials: CREDENTIALS },
    }),
  ],
  [
    'a foreign realm',
    'auth',
    'warning',
    /another host: it is not given the credentials/,
    /realms:\n {4}- http/,
    wantsToken(elsewhere, tokenFor),
    () => {
      pair.other.misbehaviour = wantsToken(elsewhere, tokenFor)();
      return {
        before: { credentials: CREDENTIALS, image: { repository: REPOSITORY, reference: 'v1' } },
        after: { realms: [pair.other.url.origin] },
      };
    },
  ],
];

describe('a registry that does not let a cache in', () => {
  test.for(ROWS.map((row) => faultOf(row, () => pair)))('$name', async (fault) => {
    const { finding, others, mended } = await tryFault(fault);
    expect(finding ?? others).toMatchObject({ verdict: fault.verdict });
    expect(finding?.seen).toMatch(fault.seen);
    expect(finding?.mend).toMatch(fault.way);
    expect(mended).toEqual([]);
  });

  test('one that is well has nothing said of it', async () => {
    const { findings, server } = await examine(targetOf(pair.registry.url));
    expect(findings.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect(findings.map(({ check }) => check)).toEqual([
      'connect',
      'api',
      'server',
      'clock',
      'keep-alive',
      'manifest',
      'head',
      'blob-head',
      'range',
      'speed',
    ]);
    expect(server).toBe('Distribution');
  });

  test('no password is shown, and none goes to a foreign realm', async () => {
    const seen: (string | undefined)[] = [];
    pair.other.misbehaviour = (request, response) => {
      seen.push(request.headers.authorization);
      sendJson(response, { token: 'good' });
      return true;
    };
    pair.registry.misbehaviour = wantsToken(elsewhere, tokenFor)();
    const report = await examine(
      targetOf(pair.registry.url, { credentials: { username: 'user', password: 'hunter2' } }),
    );
    expect(JSON.stringify(report)).not.toMatch(/hunter2|aHVudGVyMg|Bearer good/);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.filter((authorization) => authorization !== undefined)).toEqual([]);
  });
});
