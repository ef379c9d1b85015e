import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { says, saysJson } from '../../fixtures/behaviour.ts';
import { bytesContent } from '../bench/image/content.ts';
import { type RunningCache, startCache } from '../../fixtures/running-cache.ts';
import { type ScriptedUpstream, startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { OCI_INDEX } from '../oci/media-type.ts';

let origin: ScriptedUpstream;
let cache: RunningCache;
beforeAll(async () => {
  origin = await startScriptedUpstream();
  cache = await startCache({ origin: origin.url });
});
afterAll(async () => {
  await cache[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});

describe('a list of tags', () => {
  const path = '/v2/lib/app/tags/list';
  const { host } = new URL('http://origin.internal:5000');

  it('is the origin’s page, with the query passed on and the next page under this cache’s own path', async () => {
    const link = `<http://${host}/v2/lib/app/tags/list?n=2&last=b&token=secret>; rel="next"`;
    origin.on('GET', `${path}?n=2&last=a`, saysJson({ name: 'lib/app', tags: ['b'] }, { link }));
    const answer = await cache.ask(`${path}?n=2&last=a`);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
    expect(JSON.parse((await answer.bytes()).toString())).toEqual({ name: 'lib/app', tags: ['b'] });
    expect(answer.headers['link']).toBe('</v2/lib/app/tags/list?n=2&last=b>; rel="next"');
  });

  it('keeps the namespace in the next page, however the client named it', async () => {
    const { host: ns } = new URL(origin.url);
    const link = '</v2/lib/app/tags/list?last=b&n=2>; rel=next';
    for (const asked of [`${path}?ns=${encodeURIComponent(ns)}&n=2`, `/${ns}${path}?n=2`]) {
      origin.on('GET', `${path}?n=2`, saysJson({}, { link }));
      const next = (await cache.ask(asked)).headers['link'];
      const [start = '', query = ''] = asked.split('?');
      expect(next).toBe(`<${start}?${query}&last=b>; rel="next"`);
    }
  });

  it('has no next page where the origin names none, or nonsense', async () => {
    for (const link of [undefined, 'nonsense', '<http://[>; rel="next"', '</x>; rel="prev"']) {
      origin.on('GET', path, saysJson({}, link === undefined ? {} : { link }));
      expect((await cache.ask(path)).headers['link']).toBeUndefined();
    }
  });

  it('sends its head alone to HEAD', async () => {
    origin.on('GET', path, saysJson({ tags: [] }));
    const answer = await cache.ask(path, { method: 'HEAD' });
    expect([answer.status, answer.headers['content-length']]).toEqual([200, '11']);
  });

  it('is 404 NAME_UNKNOWN where the origin knows no such repository', async () => {
    origin.on('GET', path, says(404));
    const answer = await cache.ask(path);
    expect([answer.status, JSON.parse((await answer.bytes()).toString())]).toMatchObject([
      404,
      { errors: [{ code: 'NAME_UNKNOWN' }] },
    ]);
  });
});

describe('the catalog', () => {
  it('is the origin’s page, its next page under this cache’s own path', async () => {
    const link = `<${origin.url}/v2/_catalog?last=b&n=1>; rel="next"`;
    origin.on('GET', '/v2/_catalog?n=1', saysJson({ repositories: ['b'] }, { link }));
    const answer = await cache.ask('/v2/_catalog?n=1');
    expect(JSON.parse((await answer.bytes()).toString())).toEqual({ repositories: ['b'] });
    expect([answer.status, answer.headers['link']]).toEqual([200, '</v2/_catalog?n=1&last=b>; rel="next"']);
  });

  it('is refused or failing as the origin is', async () => {
    origin.on('GET', '/v2/_catalog', says(403)).on('GET', '/v2/_catalog', says(500));
    expect((await cache.ask('/v2/_catalog')).status).toBe(403);
    expect((await cache.ask('/v2/_catalog')).status).toBe(502);
    expect((await cache.ask('/v2/_catalog?n=a')).status).toBe(400);
  });

  it('is what it must be: a JSON object', async () => {
    for (const body of ['[]', '<html>', '']) {
      origin.on('GET', '/v2/_catalog', says(200, {}, body));
      expect((await cache.ask('/v2/_catalog')).status).toBe(502);
    }
  });
});

describe('a list of referrers', () => {
  const subject = bytesContent(Buffer.from('subject'));
  const path = `/v2/lib/app/referrers/${subject.digest}`;
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] };

  it('is the origin’s index, byte by byte, with its type and its next page', async () => {
    const link = `<${path}?n=1&last=x>; rel="next"`;
    origin.on('GET', `${path}?n=1`, saysJson(index, { link }));
    const answer = await cache.ask(`${path}?n=1`);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, OCI_INDEX]);
    expect((await answer.bytes()).toString()).toBe(JSON.stringify(index));
    expect(answer.headers['link']).toBe(`<${path}?n=1&last=x>; rel="next"`);
    expect(answer.headers['oci-filters-applied']).toBeUndefined();
    expect(origin.requests.at(-1)?.headers['accept']).toBe(OCI_INDEX);
  });

  it('is filtered where the origin filters it, and says so only then', async () => {
    const filtered = `${path}?artifactType=application%2Fspdx%2Bjson`;
    origin.on('GET', filtered, saysJson(index, { 'oci-filters-applied': 'artifactType' }));
    origin.on('GET', filtered, saysJson(index));
    const asked = `${path}?artifactType=application/spdx%2Bjson`;
    expect((await cache.ask(asked)).headers['oci-filters-applied']).toBe('artifactType');
    expect((await cache.ask(asked)).headers['oci-filters-applied']).toBeUndefined();
  });

  it('is asked for every time, and kept for when the origin fails', async () => {
    const other = path.replace('lib/app', 'lib/stale');
    origin.on('GET', other, saysJson(index));
    expect((await cache.ask(other)).headers['cache-status']).toMatch(/; fwd=miss; fwd-status=200; stored$/);
    origin.on('GET', other, says(500));
    const stale = await cache.ask(other);
    expect([stale.status, stale.headers['cache-status']]).toEqual([
      200,
      expect.stringMatching(/; hit; detail=stale$/),
    ]);
    expect((await stale.bytes()).toString()).toBe(JSON.stringify(index));
    origin.on('GET', other, says(404)).on('GET', other, says(403));
    expect((await cache.ask(other)).status).toBe(404);
    expect((await cache.ask(other)).status).toBe(403);
  });

  it('is 404 where the origin has no such API, upon which clients ask for the referrers’ tag', async () => {
    const unknown = path.replace('lib/app', 'lib/unknown');
    origin.on('GET', unknown, says(404, {}, '404 page not found'));
    const answer = await cache.ask(unknown);
    expect([answer.status, JSON.parse((await answer.bytes()).toString())]).toMatchObject([
      404,
      { errors: [{ code: 'MANIFEST_UNKNOWN' }] },
    ]);
  });
});
