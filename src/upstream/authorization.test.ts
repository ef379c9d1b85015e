import { afterEach, describe, expect, it } from 'vitest';
import { challenges, redirectsTo, says, saysJson } from '../../fixtures/behaviour.ts';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import type { Answerer } from '../../fixtures/recording-server.ts';
import { type ScriptedUpstream, startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { openTestUpstream, PASSPORT, REPOSITORY, unending } from '../../fixtures/test-upstream.ts';
import type { HopSettings, UpstreamSettings } from './open-upstream.ts';
import type { ListAnswer } from './upstream.ts';

const TAGS = '/v2/lib/app/tags/list';
const LIST = saysJson({ name: 'lib/app', tags: ['v1'] });
const CREDENTIALS = { username: 'robot', password: 's3cret' };
const BASIC = `Basic ${Buffer.from('robot:s3cret').toString('base64')}`;

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

async function server(): Promise<ScriptedUpstream> {
  const upstream = await startScriptedUpstream();
  opened.push(upstream);
  return upstream;
}

/** Asks for the tags each time it is called. */
async function asker(
  url: string,
  settings: Partial<HopSettings & UpstreamSettings> = {},
  clock = new ManualClock(),
): Promise<() => Promise<ListAnswer>> {
  const open = await openTestUpstream(url, settings, clock);
  opened.push(open);
  return () =>
    open.upstream.list({ kind: 'tags', name: REPOSITORY }, new URLSearchParams(), PASSPORT, unending());
}

function bearer(realm: string): string {
  return `Bearer realm="${realm}",service="registry.test",scope="repository:lib/app:pull"`;
}

/** 401 with a Bearer challenge unless one of these tokens comes. */
function wantsToken(realm: string, ...good: string[]): Answerer {
  return async (exchange) => {
    const known = good.some((token) => exchange.request.headers.authorization === `Bearer ${token}`);
    await (known ? LIST : says(401, { 'www-authenticate': bearer(realm) }, '{"errors":[]}'))(exchange);
  };
}

describe('Bearer', () => {
  it('fetches an anonymous token, with the scope and service asked for, and uses it until it expires', async () => {
    const clock = new ManualClock();
    const registry = await server();
    registry.always('GET', TAGS, wantsToken(`${registry.url}/token?x=1`, 't1'));
    registry.always('GET', '/token', saysJson({ token: 't1', expires_in: 300 }));
    const ask = await asker(registry.url, {}, clock);
    expect((await ask()).kind).toBe('found');
    expect((await ask()).kind).toBe('found');
    expect([registry.count('GET', '/token'), registry.count('GET', TAGS)]).toEqual([1, 3]);
    const token = registry.requests.find(({ path }) => path === '/token');
    expect(Object.fromEntries(new URLSearchParams(token?.url.split('?')[1]))).toEqual({
      x: '1',
      service: 'registry.test',
      scope: 'repository:lib/app:pull',
    });
    expect(token?.headers.authorization).toBeUndefined();
    await clock.advance(294_999);
    await ask();
    expect(registry.count('GET', '/token')).toBe(1);
    await clock.advance(1);
    await ask();
    expect(registry.count('GET', '/token')).toBe(2);
  });

  it('believes a token that tells no lifetime for a minute, by either of its names', async () => {
    const clock = new ManualClock();
    const registry = await server();
    registry.always('GET', TAGS, wantsToken(`${registry.url}/token`, 't1'));
    registry.always('GET', '/token', saysJson({ access_token: 't1' }));
    const ask = await asker(registry.url, {}, clock);
    await ask();
    await clock.advance(54_999);
    await ask();
    expect(registry.count('GET', '/token')).toBe(1);
    await clock.advance(1);
    await ask();
    expect(registry.count('GET', '/token')).toBe(2);
  });

  it('gives its credentials to a realm on the registry’s own host', async () => {
    const registry = await server();
    registry.always('GET', TAGS, wantsToken(`${registry.url}/token`, 't1'));
    registry.on('GET', '/token', challenges('Basic realm="t"', BASIC, saysJson({ token: 't1' })));
    const ask = await asker(registry.url, { credentials: CREDENTIALS });
    expect((await ask()).kind).toBe('found');
    expect(registry.requests.find(({ path }) => path === '/token')?.url).toContain('account=robot');
    expect(
      registry.requests.filter(({ path }) => path === TAGS).map(({ headers }) => headers.authorization),
    ).toEqual([undefined, 'Bearer t1']);
  });

  it('gives neither name nor password to a realm on another host, and says why it failed', async () => {
    const registry = await server();
    const realm = await server();
    registry.always('GET', TAGS, wantsToken(`${realm.url}/token`, 't1'));
    realm.always('GET', '/token', says(401));
    const ask = await asker(registry.url, { credentials: CREDENTIALS });
    await expect(ask()).rejects.toMatchObject({
      kind: 'auth',
      status: 401,
      hint: expect.stringContaining('realms') as string,
    });
    expect(realm.requests[0]?.headers.authorization).toBeUndefined();
    expect(realm.requests[0]?.url).not.toContain('robot');
  });

  it('gives them to another host that `realms` names', async () => {
    const registry = await server();
    const realm = await server();
    registry.always('GET', TAGS, wantsToken(`${realm.url}/token`, 't1'));
    realm.on('GET', '/token', challenges('Basic realm="t"', BASIC, saysJson({ token: 't1' })));
    const ask = await asker(registry.url, { credentials: CREDENTIALS, realms: [realm.url] });
    expect((await ask()).kind).toBe('found');
  });

  it('fetches a new token when the registry refuses the held one', async () => {
    const registry = await server();
    registry.on('GET', TAGS, wantsToken(`${registry.url}/token`, 't1'), 2);
    registry.always('GET', TAGS, wantsToken(`${registry.url}/token`, 't2'));
    registry.on('GET', '/token', saysJson({ token: 't1', expires_in: 3600 }));
    registry.on('GET', '/token', saysJson({ token: 't2', expires_in: 3600 }));
    const ask = await asker(registry.url);
    await ask();
    expect((await ask()).kind).toBe('found');
    expect(registry.unasked).toEqual([]);
  });

  it('takes a refusal of a fresh token for the origin’s answer', async () => {
    const registry = await server();
    registry.always('GET', TAGS, wantsToken(`${registry.url}/token`));
    registry.on('GET', '/token', saysJson({ token: 't1' }), 1);
    const ask = await asker(registry.url);
    expect(await ask()).toMatchObject({ kind: 'refused', verdict: 'denied' });
    expect(registry.count('GET', TAGS)).toBe(2);
  });

  it('asks for one token when many requests are challenged at the same time', async () => {
    const registry = await server();
    registry.always('GET', TAGS, wantsToken(`${registry.url}/token`, 't1'));
    registry.always('GET', '/token', saysJson({ token: 't1' }));
    const ask = await asker(registry.url);
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask()));
    expect(answers.every(({ kind }) => kind === 'found')).toBe(true);
    expect(registry.count('GET', '/token')).toBe(1);
  });

  it.each([
    ['no realm', 'Bearer service="x"'],
    ['a realm that is no URL', 'Bearer realm="token service"'],
    ['a realm of another scheme', 'Bearer realm="file:///etc/passwd"'],
    ['a realm with a user in it', 'Bearer realm="http://u:p@127.0.0.1:1/"'],
  ])('refuses a challenge with %s', async (_what, challenge) => {
    const registry = await server();
    registry.on('GET', TAGS, says(401, { 'www-authenticate': challenge }));
    const ask = await asker(registry.url);
    await expect(ask()).rejects.toMatchObject({ kind: 'auth' });
  });

  it.each([
    ['no JSON', says(200, {}, 'token')],
    ['JSON that is no object', saysJson('t1')],
    ['no token', saysJson({ tocken: 't1' })],
    ['a token that would break the header', saysJson({ token: 'a\r\nX: y' })],
    ['more than a token', says(200, {}, `{"token":"${'x'.repeat(70_000)}"}`)],
    ['a redirect', redirectsTo('http://127.0.0.1:1/')],
    ['a failure', says(503)],
  ])('refuses a token service that sends %s', async (_what, answer) => {
    const registry = await server();
    registry.on('GET', TAGS, wantsToken(`${registry.url}/token`, 't1'));
    registry.on('GET', '/token', answer);
    const ask = await asker(registry.url);
    await expect(ask()).rejects.toMatchObject({ name: 'UpstreamError' });
  });

  it('takes no connection with it when a token service fails', async () => {
    const registry = await server();
    registry.always('GET', TAGS, wantsToken('http://[bad', 't1'));
    const ask = await asker(registry.url, { connections: 1 });
    for (let round = 0; round < 5; round += 1) await expect(ask()).rejects.toMatchObject({ kind: 'auth' });
    expect(new Set(registry.requests.map(({ connectionId }) => connectionId)).size).toBe(1);
  });
});

describe('Basic', () => {
  it('answers a challenge, and sends the credentials ahead from then on', async () => {
    const registry = await server();
    registry.always('GET', TAGS, challenges('Basic realm="registry"', BASIC, LIST));
    const ask = await asker(registry.url, { credentials: CREDENTIALS });
    await ask();
    await ask();
    expect(registry.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, BASIC, BASIC]);
  });

  it('is never sent before a challenge asks for it, nor where none is configured', async () => {
    const registry = await server();
    registry.on('GET', TAGS, LIST).always('GET', TAGS, says(401, { 'www-authenticate': 'Basic realm="r"' }));
    await (
      await asker(registry.url, { credentials: CREDENTIALS })
    )();
    const anonymous = await asker(registry.url);
    expect(await anonymous()).toMatchObject({ kind: 'refused', verdict: 'denied' });
    expect(registry.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it('is not tried twice: wrong credentials are denied', async () => {
    const registry = await server();
    registry.always('GET', TAGS, says(401, { 'www-authenticate': 'Basic realm="r"' }));
    const ask = await asker(registry.url, { credentials: CREDENTIALS });
    expect(await ask()).toMatchObject({ verdict: 'denied' });
    expect(registry.requests).toHaveLength(2);
    expect(await ask()).toMatchObject({ verdict: 'denied' });
    expect(registry.requests).toHaveLength(3);
  });

  it('gives way to Bearer where both are offered', async () => {
    const registry = await server();
    const both = says(401, { 'www-authenticate': `Basic realm="r", ${bearer(`${registry.url}/token`)}` });
    registry
      .on('GET', TAGS, both)
      .on('GET', TAGS, LIST)
      .on('GET', '/token', saysJson({ token: 't1' }));
    await (
      await asker(registry.url, { credentials: CREDENTIALS })
    )();
    expect(registry.requests.at(-1)?.headers.authorization).toBe('Bearer t1');
  });

  it('answers no challenge of an unknown scheme', async () => {
    const registry = await server();
    registry.on('GET', TAGS, says(401, { 'www-authenticate': 'Negotiate' })).on('GET', TAGS, says(401));
    const ask = await asker(registry.url, { credentials: CREDENTIALS });
    expect(await ask()).toMatchObject({ verdict: 'denied' });
    expect(await ask()).toMatchObject({ verdict: 'denied' });
  });
});
