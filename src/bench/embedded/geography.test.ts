import { describe, expect, test } from 'vitest';
import { defaultGeography, leveledGeography } from './geography.ts';
import { parseImageShape } from './image-shape.ts';
import { parseLinkFigures } from './link-figures.ts';

describe('the way from the client to the origin', () => {
  test('links that a variant skips add up', () => {
    const geography = defaultGeography()
      .withLink('client-china=rtt:5ms,rate:100mbit,loss:0%,jitter:1ms')
      .withLink('china-asia=rtt:80ms,rate:50mbit,loss:1%,jitter:2ms')
      .withLink('asia-origin=rtt:150ms,rate:200mbit,loss:2%,jitter:0s');
    expect(geography.way([])).toEqual([
      {
        name: 'client-origin',
        figures: {
          roundTripMs: 235,
          rateBitsPerSecond: 50e6,
          lossRatio: expect.closeTo(1 - 0.99 * 0.98, 10),
          jitterMs: 3,
        },
      },
    ]);
    expect(geography.way(['china', 'asia']).map(({ name }) => name)).toEqual([
      'client-china',
      'china-asia',
      'asia-origin',
    ]);
    expect(geography.way(['asia'])[0]).toMatchObject({ name: 'client-asia', figures: { roundTripMs: 85 } });
  });

  test('one figure of a link can be changed alone', () => {
    const [, link] = defaultGeography().withLink('china-asia=rtt:40ms').stretches;
    expect(link).toMatchObject({
      name: 'china-asia',
      figures: { roundTripMs: 40, rateBitsPerSecond: 200e6 },
    });
  });

  test('a chain that leads back is refused', () => {
    expect(() => defaultGeography().way(['asia', 'china'])).toThrow('the way from asia to china leads back');
  });

  test('levels lie at equal distances, and all ways are equally long', () => {
    const geography = leveledGeography([0, 0, 0.5, 0, 1 / 3, 2 / 3]);
    expect(geography.hops).toEqual(['at0', 'at33', 'at50', 'at67']);
    const lengths = [[], ['at0'], ['at0', 'at50'], ['at0', 'at33', 'at67']].map((hops) =>
      geography.way(hops).reduce((sum, { figures }) => sum + figures.roundTripMs, 0),
    );
    for (const length of lengths) expect(length).toBeCloseTo(235, 6);
    expect(geography.stretch('at0', 'at50').figures.roundTripMs).toBeCloseTo(115, 6);
  });

  test.each([
    ['china-origin=rtt:1ms', 'there is no link china-origin'],
    ['asia-origin', '--link asia-origin: `` is no figure of a link'],
    ['asia-origin=rtt:fast', 'rtt: `fast` is no duration'],
    ['asia-origin=rate:100', 'rate: `100` is no rate'],
    ['asia-origin=loss:120%', 'loss: `120%` is no loss'],
    ['asia-origin=loss:0.1', 'loss: `0.1` is no loss'],
    ['asia-origin=rtt:1ms,rtt:2ms', 'has rtt twice'],
    ['asia-origin=delay:1ms', '`delay:1ms` is no figure of a link'],
  ])('%s is refused', (text, message) => {
    expect(() => defaultGeography().withLink(text)).toThrow(message);
  });
});

test.each([
  ['100mbit', 100e6],
  ['1.5Gbit/s', 1.5e9],
  ['64 kbps', 64e3],
  ['9600bit', 9600],
])('%s is %d bits a second', (text, bitsPerSecond) => {
  expect(parseLinkFigures(`rate:${text}`)).toEqual({ ok: true, value: { rateBitsPerSecond: bitsPerSecond } });
});

describe('an image’s shape', () => {
  test('has a name, or names its layers', () => {
    expect(parseImageShape('few-large')).toMatchObject({ ok: true, value: { platforms: 2 } });
    expect(parseImageShape('4MiB, 2x64KiB')).toEqual({
      ok: true,
      value: { layerBytes: [4_194_304, 65_536, 65_536], platforms: 1 },
    });
  });

  test.each([
    ['huge', '`huge` is no image'],
    ['4MiB,', 'is no image'],
    ['128x1KiB', 'has 128 layers'],
    ['0x1KiB', 'has 0 layers'],
    ['3x1GiB', 'is larger than 2GiB'],
  ])('%s is refused', (text, message) => {
    expect(parseImageShape(text)).toEqual({ ok: false, problem: expect.stringContaining(message) });
  });
});
