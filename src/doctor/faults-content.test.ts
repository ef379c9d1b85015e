import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePort } from '../../fixtures/free-port.ts';
import { tryFault } from '../../fixtures/planted-fault.ts';
import { adds, error, faultOf, on, RegistryPair, type Row, status } from '../../fixtures/registry-faults.ts';
import { BLOB_PATH, MANIFEST_PATH, REPOSITORY, sendJson } from '../../fixtures/small-registry.ts';

let pair: RegistryPair;

beforeEach(async () => {
  pair = await RegistryPair.start();
});

afterEach(async () => {
  await pair[Symbol.asyncDispose]();
});

const deadPort = await freePort();

const image = (repository: string) => ({ repository, reference: 'v1' });
const ROWS: readonly Row[] = [
  [
    'no right on the image',
    'manifest',
    'failed',
    /no right to pull it \(403\): denied by policy/,
    /username/,
    on(MANIFEST_PATH, error(403, 'denied by policy')),
  ],
  [
    'an image that is not there',
    'manifest',
    'failed',
    /lib\/none:v1 is not there \(404\)/,
    /--image/,
    () => () => false,
    () => ({ before: { image: image('lib/none') }, after: { image: image(REPOSITORY) } }),
  ],
  [
    'a limit on manifests',
    'manifest',
    'failed',
    /too many requests \(429\)/,
    /username/,
    on(MANIFEST_PATH, status(429)),
  ],
  ['a broken manifest', 'manifest', 'failed', /answers 500/, /log/, on(MANIFEST_PATH, status(500))],
  [
    'something behind that fails',
    'manifest',
    'failed',
    /what lies behind it fails \(502\): asia:5000: its certificate has expired/,
    /regcache doctor there/,
    on(MANIFEST_PATH, error(502, 'asia:5000: its certificate has expired')),
  ],
  [
    'a loop, as a pull sees it',
    'manifest',
    'failed',
    /a loop: .*has been here before/,
    /upstreamhosts/,
    on(MANIFEST_PATH, error(508, 'loop: this request has been here before')),
  ],
  [
    'a manifest that is a page',
    'manifest',
    'failed',
    /is no manifest/,
    /curl -v/,
    on(MANIFEST_PATH, (...[, response]) => response.end('<html>')),
  ],
  [
    'an index without its image',
    'manifest',
    'failed',
    /which it does not have/,
    /push that image again/,
    on(MANIFEST_PATH, (...[, response]) =>
      sendJson(response, { manifests: [{ digest: `sha256:${'0'.repeat(64)}` }] }),
    ),
  ],
  [
    'HEAD refused',
    'head',
    'warning',
    /it answers 405, though GET works/,
    /let HEAD through/,
    on(MANIFEST_PATH, status(405), 'HEAD'),
  ],
  [
    'HEAD without a digest',
    'head',
    'warning',
    /without Docker-Content-Digest/,
    /let that field through/,
    on(MANIFEST_PATH, status(200), 'HEAD'),
  ],
  [
    'HEAD of a blob refused',
    'blob-head',
    'warning',
    /it answers 404/,
    /let HEAD through/,
    on(BLOB_PATH, status(404), 'HEAD'),
  ],
  [
    'HEAD of a blob with another length',
    'blob-head',
    'warning',
    /tells 7 bytes, its manifest 200000/,
    /Content-Length/,
    on(BLOB_PATH, status(200, { 'content-length': '7' }), 'HEAD'),
  ],
  [
    'ranges ignored',
    'range',
    'warning',
    /ignores ranges/,
    /proxy_set_header Range/,
    () => (request) => {
      delete request.headers.range;
      return false;
    },
  ],
  [
    'another range',
    'range',
    'failed',
    /another part than was asked for: bytes 5-9\/200000/,
    /out of the way of Range/,
    on(
      BLOB_PATH,
      (...[, response]) => response.writeHead(206, { 'content-range': 'bytes 5-9/200000' }).end('12345'),
      'GET',
    ),
  ],
  [
    'a blob that is lost',
    'range',
    'failed',
    /answers 404/,
    /push that image again/,
    on(BLOB_PATH, status(404), 'GET'),
  ],
  [
    'a blob that breaks off',
    'range',
    'failed',
    /GET of a blob: the connection was cut/,
    /bench/,
    on(
      BLOB_PATH,
      (...[request, response]) => {
        response
          .writeHead(206, { 'content-range': 'bytes 0-199999/200000', 'content-length': '200000' })
          .write(Buffer.alloc(1000), () => request.socket.destroy());
      },
      'GET',
    ),
  ],
  [
    'a slow way',
    'speed',
    'warning',
    /it is slow: 200000 bytes at 0\.[0-2]/,
    /regcache bench/,
    on(
      BLOB_PATH,
      (...[, response]) => {
        response
          .writeHead(206, { 'content-range': 'bytes 0-199999/200000', 'content-length': '200000' })
          .write(Buffer.alloc(1000));
        setTimeout(() => response.end(Buffer.alloc(199_000)), 950);
      },
      'GET',
    ),
  ],
  [
    'a redirect to nowhere',
    'redirect',
    'failed',
    /redirects to what is no URL: "http:\/\/:\/"/,
    /storage\.redirect\.disable/,
    on(BLOB_PATH, status(307, { location: 'http://:/' })),
  ],
  [
    'a redirect without a target',
    'redirect',
    'failed',
    /no URL: ""/,
    /storage\.redirect\.disable/,
    on(BLOB_PATH, status(307)),
  ],
  [
    'a redirect to what is down',
    'redirect',
    'failed',
    /redirects blobs to 127\.0\.0\.1:\d+, which cannot be asked: connection refused/,
    /let this machine reach/,
    () => on(BLOB_PATH, status(307, { location: `http://127.0.0.1:${deadPort}/x` }))(),
  ],
  [
    'redirects in a circle',
    'redirect',
    'failed',
    /more than 5 times/,
    /storage\.redirect\.disable/,
    on(BLOB_PATH, status(307, { location: BLOB_PATH })),
  ],
  [
    'a clock an hour ahead',
    'clock',
    'warning',
    /60 minutes ahead of/,
    /timedatectl/,
    adds(() => ({ date: new Date(Date.now() + 3_600_000).toUTCString() })),
  ],
  [
    'a clock a day behind',
    'clock',
    'warning',
    /24 hours behind/,
    /timedatectl/,
    adds(() => ({ date: new Date(Date.now() - 86_400_000).toUTCString() })),
  ],
  [
    'no kept connections',
    'keep-alive',
    'warning',
    /closes the connection/,
    /keepalive_timeout/,
    adds(() => ({ connection: 'close' })),
  ],
  [
    'few pulls left',
    'rate',
    'warning',
    /5 of 100 pulls are left/,
    /username/,
    adds(() => ({ 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '5;w=21600' })),
  ],
  [
    'too many levels',
    'levels',
    'warning',
    /the chain has 5 caches/,
    /regcache bench/,
    adds(() => ({ via: '1.1 a (1), 1.1 b (2), 1.1 c (3), 1.1 d (4), 1.1 e (00000000-5)' })),
  ],
];

describe('a registry whose content cannot be had as it should', () => {
  test.for(ROWS.map((row) => faultOf(row, () => pair)))('$name', async (fault) => {
    const { finding, others, mended } = await tryFault(fault);
    expect(finding ?? others).toMatchObject({ verdict: fault.verdict });
    expect(finding?.seen).toMatch(fault.seen);
    expect(finding?.mend).toMatch(fault.way);
    expect(mended).toEqual([]);
  });
});
