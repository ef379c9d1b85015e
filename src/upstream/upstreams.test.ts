import { describe, expect, it } from 'vitest';
import { saysJson } from '../../fixtures/behaviour.ts';
import { seededContent } from '../bench/image/content.ts';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { sendsGated } from '../../fixtures/sends-gated.ts';
import { PASSPORT, REPOSITORY, unending, upstreamSettings } from '../../fixtures/test-upstream.ts';
import { parseNamespace } from '../oci/namespace.ts';
import { Telemetry } from '../telemetry/telemetry.ts';
import { Upstreams } from './upstreams.ts';

const deps = () => ({ clock: new ManualClock(), telemetry: new Telemetry() });
const BLOB = seededContent('upstreams', 200_000);
const HERE = { namespace: parseNamespace('dtr.test'), name: REPOSITORY };
const TAGS = '/v2/lib/app/tags/list';

describe('Upstreams', () => {
  it('lets a running answer end on its connection, and asks the new way for everything after it', async () => {
    await using old = await startScriptedUpstream();
    await using next = await startScriptedUpstream();
    const gate = Promise.withResolvers<void>();
    old.on('GET', `/v2/lib/app/blobs/${BLOB.digest}`, sendsGated(BLOB, gate.promise));
    next.always('GET', TAGS, saysJson({}));
    await using upstreams = await Upstreams.open([upstreamSettings(old.url)], deps());
    const held = upstreams.of(HERE);
    const running = await held.openBlob(
      { name: REPOSITORY, digest: BLOB.digest, startBytes: 0 },
      PASSPORT,
      unending(),
    );
    await upstreams.replace([upstreamSettings(next.url)]);
    gate.resolve();
    const body = running.kind === 'found' ? await running.body.readAll(1e6) : undefined;
    expect(body).toEqual(BLOB.read(0, 200_000));
    for (const upstream of [held, upstreams.of(HERE)]) {
      await upstream.list({ kind: 'tags', name: REPOSITORY }, new URLSearchParams(), PASSPORT, unending());
      expect(upstream.name).toBe(new URL(next.url).host);
    }
    expect(next.requests).toHaveLength(2);
  });

  it('changes nothing where the new settings cannot be used', async () => {
    await using server = await startScriptedUpstream();
    server.always('GET', TAGS, saysJson({}));
    await using upstreams = await Upstreams.open([upstreamSettings(server.url)], deps());
    const bad = upstreamSettings('https://127.0.0.1:1', { caFiles: ['/nowhere/ca.pem'] });
    await expect(upstreams.replace([bad])).rejects.toMatchObject({ code: 'CERTIFICATE_UNREADABLE' });
    const answer = await upstreams
      .of(HERE)
      .list({ kind: 'tags', name: REPOSITORY }, new URLSearchParams(), PASSPORT, unending());
    expect(answer.kind).toBe('found');
  });

  it('has none for a namespace that is not configured', async () => {
    await using upstreams = await Upstreams.open([upstreamSettings('http://127.0.0.1:1')], deps());
    expect(() => upstreams.of({ ...HERE, namespace: parseNamespace('ghcr.io') })).toThrow('ghcr.io');
  });
});
