import { describe, expect, it } from 'vitest';
import type { Passage } from '../cache/pull.ts';
import type { Outcome } from '../telemetry/event.ts';
import type { Trail } from '../upstream/verdict.ts';
import { passageHeaders } from './passage-headers.ts';

const SELF = { name: 'china', id: 'c1' };

function trail(status: number, more: Partial<Trail> = {}): Trail {
  return { status, cacheStatus: undefined, serverTiming: undefined, via: undefined, ageSeconds: 0, ...more };
}

function passage(outcome: Outcome, behind?: Trail, upstreamMs?: number): Passage {
  const stored = outcome === 'miss' && behind?.status === 200;
  return { outcome, trail: behind, upstreamMs, ...(stored ? { stored: true } : {}) };
}

describe('Cache-Status', () => {
  it.each<[Outcome, Trail | undefined, string]>([
    ['hit', undefined, '"china"; hit'],
    ['prefetched', undefined, '"china"; hit; detail=prefetched'],
    ['stale', undefined, '"china"; hit; detail=stale'],
    ['revalidated', trail(304), '"china"; fwd=stale; fwd-status=304'],
    ['miss', trail(200), '"china"; fwd=miss; fwd-status=200; stored'],
    ['miss', trail(404), '"china"; fwd=miss; fwd-status=404'],
    ['miss', undefined, '"china"; fwd=miss'],
    ['joined', trail(200), '"china"; fwd=miss; fwd-status=200; collapsed'],
    ['bypass', trail(200), '"china"; fwd=bypass; fwd-status=200'],
  ])('tells %s of %o', (outcome, behind, expected) => {
    expect(passageHeaders(passage(outcome, behind), SELF)['cache-status']).toBe(expected);
  });

  it('does not say stored of what was only looked at, as by HEAD', () => {
    const looked: Passage = { outcome: 'miss', trail: trail(200), upstreamMs: 1 };
    expect(passageHeaders(looked, SELF)['cache-status']).toBe('"china"; fwd=miss; fwd-status=200');
  });

  it('names this hop alone where it answers for itself', () => {
    expect(passageHeaders(undefined, SELF)).toEqual({ via: '1.1 china (c1)', 'cache-status': '"china"' });
  });

  it('has the origin’s side first', () => {
    const behind = trail(200, {
      cacheStatus: '"asia"; fwd=miss; fwd-status=200; stored',
      via: '1.1 asia (a1)',
    });
    const headers = passageHeaders(passage('miss', behind), SELF);
    expect(headers['cache-status']).toBe(
      '"asia"; fwd=miss; fwd-status=200; stored, "china"; fwd=miss; fwd-status=200; stored',
    );
    expect(headers['via']).toBe('1.1 asia (a1), 1.1 china (c1)');
  });
});

describe('Server-Timing', () => {
  const timing = (behind: Partial<Trail>): string | undefined =>
    passageHeaders(passage('miss', trail(200, behind), 12.34), SELF)['server-timing'];

  it('tells what this hop waited for, and nothing where it did not wait', () => {
    expect(timing({})).toBe('upstream;dur=12.3');
    expect(passageHeaders(passage('hit'), SELF)['server-timing']).toBeUndefined();
  });

  it('names the entries of the hop behind after it, and leaves those further behind alone', () => {
    expect(
      timing({
        cacheStatus: '"far"; hit, "asia:5000"; fwd=miss',
        serverTiming: 'far.upstream;dur=3.5, upstream;dur=7',
      }),
    ).toBe('far.upstream;dur=3.5, asia_5000.upstream;dur=7, upstream;dur=12.3');
    expect(timing({ serverTiming: 'db;dur=1' })).toBe('upstream.db;dur=1, upstream;dur=12.3');
  });

  it('passes on nothing but metrics with durations', () => {
    expect(timing({ serverTiming: 'cache;desc="10.0.0.7", x;dur=abc, <b>;dur=1, ok;dur=2' })).toBe(
      'upstream.ok;dur=2, upstream;dur=12.3',
    );
  });
});
