import { describe, expect, it } from 'vitest';
import { parseDigest } from '../oci/digest.ts';
import { DigestHolds } from './digest-holds.ts';

const A = parseDigest(`sha256:${'a'.repeat(64)}`);
const B = parseDigest(`sha256:${'b'.repeat(64)}`);

describe('a digest', () => {
  it('is held until its last holder lets go', async () => {
    const holds = new DigestHolds();
    const first = await holds.hold(A);
    const second = await holds.hold(A);
    expect(holds.size).toBe(1);
    first();
    expect(holds.isHeld(A)).toBe(true);
    expect(holds.exclude(A)).toBeUndefined();
    second();
    expect(holds.isHeld(A)).toBe(false);
    expect(holds.size).toBe(0);
    expect(holds.exclude(A)).toBeDefined();
  });

  it('is let go once, however often its holder says so', async () => {
    const holds = new DigestHolds();
    const first = await holds.hold(A);
    const second = await holds.hold(A);
    first();
    first();
    expect(holds.isHeld(A)).toBe(true);
    second();
  });

  it('is held at once, in the same turn, where nobody removes it', () => {
    const holds = new DigestHolds();
    void holds.hold(A);
    expect(holds.isHeld(A)).toBe(true);
  });

  it('is removed by one at a time', () => {
    const holds = new DigestHolds();
    const exclusion = holds.exclude(A);
    expect(holds.exclude(A)).toBeUndefined();
    expect(holds.exclude(B)).toBeDefined();
    exclusion?.end();
    expect(holds.exclude(A)).toBeDefined();
  });

  it('is held only after its removal has ended, and after the next one too', async () => {
    const holds = new DigestHolds();
    const first = holds.exclude(A);
    let held = false;
    const holding = holds.hold(A).then(() => {
      held = true;
    });
    first?.end();
    const second = holds.exclude(A);
    await Promise.resolve();
    await Promise.resolve();
    expect(held).toBe(false);
    expect(holds.isHeld(A)).toBe(false);
    second?.end();
    await holding;
    expect(holds.isHeld(A)).toBe(true);
  });

  it('tells its removal of the latest use since', () => {
    const holds = new DigestHolds();
    holds.noteUse(A, 100);
    const exclusion = holds.exclude(A);
    expect(exclusion?.usedAtMs).toBe(-Infinity);
    holds.noteUse(A, 7);
    holds.noteUse(A, 5);
    holds.noteUse(B, 9);
    expect(exclusion?.usedAtMs).toBe(7);
  });
});
