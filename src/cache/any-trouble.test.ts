import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { Answer } from '../../fixtures/client.ts';
import { seededContent } from '../bench/image/content.ts';
import { startEmbeddedOrigin } from '../../fixtures/embedded-origin.ts';
import { startCache } from '../../fixtures/running-cache.ts';

const origin = await startEmbeddedOrigin();
const cache = await startCache({ origin: origin.url });
afterAll(async () => {
  await cache[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});

type Client =
  | { readonly kind: 'reads' }
  | { readonly kind: 'leaves' }
  | { readonly kind: 'ranges'; readonly start: number; readonly length: number };

const clientArbitrary: fc.Arbitrary<Client> = fc.oneof(
  fc.constant({ kind: 'reads' as const }),
  fc.constant({ kind: 'leaves' as const }),
  fc.record({
    kind: fc.constant('ranges' as const),
    start: fc.nat({ max: 99_999 }),
    length: fc.integer({ min: 1, max: 50_000 }),
  }),
);

let blobs = 0;

test('whatever the upstream and the clients do, what comes whole is right, and nobody waits for ever', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        sizeBytes: fc.integer({ min: 1, max: 400_000 }),
        cuts: fc.array(fc.double({ min: 0.01, max: 0.99, noNaN: true }), { maxLength: 4 }),
        chunked: fc.boolean(),
        ignoreRange: fc.boolean(),
        wrong: fc.option(fc.double({ min: 0, max: 0.999, noNaN: true }), { nil: undefined }),
        clients: fc.array(clientArbitrary, { minLength: 1, maxLength: 5 }),
      }),
      async ({ sizeBytes, cuts, chunked, ignoreRange, wrong, clients }) => {
        blobs += 1;
        const content = seededContent(`trouble ${blobs}`, sizeBytes);
        const whole = content.read(0, sizeBytes);
        const path = origin.addBlob('team/app', content);
        // Each answer gets further than the one before, so that no try is without progress.
        const stops = cuts.map((cut) => Math.ceil(cut * sizeBytes)).toSorted((one, other) => one - other);
        origin.shape(content.digest, (before) => {
          const stop = stops[before];
          const start = ignoreRange ? 0 : (stops[before - 1] ?? 0);
          const progress = stop !== undefined && stop > (stops[before - 1] ?? 0);
          return {
            chunked,
            ignoreRange,
            ...(progress ? { cutAfterBytes: stop - start } : {}),
            ...(wrong === undefined ? {} : { wrongByteAt: Math.floor(wrong * sizeBytes) }),
          };
        });
        const verdicts = await Promise.all(
          clients.map(async (client): Promise<Verdict> => {
            const headers =
              client.kind === 'ranges'
                ? { range: `bytes=${client.start}-${client.start + client.length - 1}` }
                : {};
            const answer = await cache.ask(path, { headers });
            if (client.kind !== 'leaves') return await judge(answer, client, whole);
            answer.leave();
            return 'right';
          }),
        );
        const allowed: readonly Verdict[] =
          wrong === undefined ? ['right', 'beyond the end'] : ['right', 'beyond the end', 'short', 'refused'];
        expect(verdicts.filter((verdict) => !allowed.includes(verdict))).toEqual([]);
      },
    ),
    { numRuns: 40 },
  );
  expect(cache.told('internal-error')).toEqual([]);
  expect(cache.told('upstream-failed')).toEqual([]);
});

type Verdict = 'right' | 'wrong' | 'short' | 'refused' | 'beyond the end';

/** What became of one client's answer. */
async function judge(answer: Answer, client: Client, whole: Buffer): Promise<Verdict> {
  if (answer.status >= 400) {
    await answer.drain();
    const beyond = answer.status === 416 && client.kind === 'ranges' && client.start >= whole.length;
    return beyond ? 'beyond the end' : 'refused';
  }
  const [start, end] =
    client.kind === 'ranges' && answer.status === 206
      ? [client.start, client.start + client.length]
      : [0, whole.length];
  const bytes = await answer.bytes().catch(() => undefined);
  if (bytes === undefined) return 'short';
  if (bytes.equals(whole.subarray(start, end))) return 'right';
  // A range of a running fill goes out before the blob is proven.
  return answer.status === 206 ? 'short' : 'wrong';
}
