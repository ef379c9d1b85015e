import { describe, expect, test } from 'vitest';
import { timedResult } from '../../fixtures/timed-result.ts';
import { judge, parseRequirement } from './requirement.ts';

const VARIANTS = ['direct', 'china', 'china>asia'];
const result = timedResult({
  direct: { direct: [4000, 4100, 3900] },
  china: { cold: [2000, 2100, 1900], warm: [100, 300, 200, 400] },
});

describe('a requirement', () => {
  test.each([
    ['china.warm.p95<2s', true, 400],
    ['china.warm.p95<300ms', false, 400],
    ['china.warm.median<=250ms', true, 250],
    ['china.warm.image.min>=100ms', true, 100],
    ['china.warm.max<400ms', false, 400],
    ['china.cold.firstbyte.median<=1s', true, 1000],
    ['china.cold.speedup>1.9', true, expect.closeTo(2, 2)],
    ['china.cold.manifest.max<0.6s', true, 525],
    ['china.cold.throughput.median>3mbit', true, 4e6],
    ['china.warm.failures<1', true, 0],
    ['direct.median>3.9s', true, 4000],
    ['direct.direct.p99<4200ms', true, 4100],
    ['china>asia.warm.median<1h', false, undefined],
  ])('%s is kept: %s', (text, isKept, actual) => {
    expect(judge(parseRequirement(text, VARIANTS), result)).toMatchObject({ isKept, actual });
  });

  test.each([
    ['china.warm', 'has not the form'],
    ['europe.warm.p95<2s', 'europe is not among the variants direct, china, china>asia'],
    ['china.p95<2s', 'china is measured cold and warm: name one'],
    ['china.warm.p95<2', '`2` needs a unit'],
    ['china.warm.throughput.median>2s', 'is no rate'],
    ['china.cold.speedup>fast', 'fast is no plain number'],
    ['direct.speedup>1', 'direct is what the others are compared with'],
  ])('%s is refused', (text, message) => {
    expect(() => parseRequirement(text, VARIANTS)).toThrow(message);
  });
});
