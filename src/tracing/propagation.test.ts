import { trace } from '@opentelemetry/api';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Propagation } from './propagation.ts';

const CAME_IN = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const BOTH = new Propagation(new Set(['tracecontext', 'baggage']));

/** What a server lets through of a field, and what a client lets out (RFC 9110 section 5.5). */
const FIELD = fc.string({
  unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code === 0x7f ? 0x09 : code)),
  maxLength: 60,
});
/** Closer to what is meant: members of pairs with properties. */
const MEMBERS = fc
  .array(fc.tuple(FIELD, FIELD, FIELD), { maxLength: 200, size: 'max' })
  .map((members) => members.map(([key, value, property]) => `${key}=${value};${property}`).join(','))
  .map((field) => field.slice(0, 16 * 1024));

describe('whatever a client sends', () => {
  test('what goes on is within its bounds, and can be sent', () => {
    fc.assert(
      fc.property(fc.oneof(FIELD, MEMBERS), fc.oneof(FIELD, MEMBERS), (tracestate, baggage) => {
        const context = BOTH.read({ traceparent: CAME_IN, tracestate, baggage });
        const headers = BOTH.headers(context, 'hop');
        expect(headers['traceparent']).toBe(CAME_IN);
        expect(headers['tracestate']?.length ?? 0).toBeLessThanOrEqual(512);
        expect(headers['baggage']?.length ?? 0).toBeLessThanOrEqual(4096);
        for (const value of Object.values(headers)) expect(value).toMatch(/^[\t\x20-\x7e\x80-\xff]*$/);
      }),
      { endOnFailure: true },
    );
  });

  test('a traceparent is read or says nothing', () => {
    fc.assert(
      fc.property(
        fc.oneof(FIELD, fc.constantFrom(CAME_IN, CAME_IN.toUpperCase(), `${CAME_IN}-`)),
        (field) => {
          const known = trace.getSpanContext(BOTH.read({ traceparent: field }));
          expect([undefined, '0af7651916cd43dd8448eb211c80319c']).toContain(known?.traceId);
        },
      ),
    );
  });
});

test('members that there is no room for are left out, whole ones first', () => {
  const member = (name: string, length: number): string => `${name}=${'v'.repeat(length)}`;
  const sent = (...members: readonly string[]): string | undefined =>
    BOTH.headers(BOTH.read({ baggage: members.join(',') }), 'hop')['baggage'];
  expect(sent(member('a', 2_000), member('b', 2_000))).toHaveLength(4_005);
  expect(sent(member('a', 2_000), member('b', 2_200), member('c', 1))).toBe(member('a', 2_000));
  expect(sent(member('a', 4_094))).toHaveLength(4_096);
  expect(sent(member('a', 4_090), member('b', 4_000))).toBe(member('a', 4_090));
});

test('what is not to be passed on is neither read nor sent', () => {
  const only = new Propagation(new Set(['tracecontext']));
  const headers = { traceparent: CAME_IN, baggage: 'a=1' };
  expect(only.headers(only.read(headers), 'hop')).toEqual({ traceparent: CAME_IN });
  const none = new Propagation(new Set());
  expect(none.headers(none.read(headers), 'hop')).toEqual({});
  expect(BOTH.headers(BOTH.read(headers), 'hop')).toEqual(headers);
  expect(BOTH.headers(BOTH.read(headers), 'origin')).toEqual({ traceparent: CAME_IN });
});
