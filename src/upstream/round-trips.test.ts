import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { RoundTrips, startWait } from './round-trips.ts';

describe('startWait', () => {
  it('measures the time that nothing happens in', async () => {
    const waited = startWait();
    await sleep(60);
    expect(waited()).toBeGreaterThan(30);
  });

  it('leaves out the time that this process was busy for', async () => {
    const waited = startWait();
    const busyUntilMs = performance.now() + 300;
    while (performance.now() < busyUntilMs);
    await sleep(1);
    expect(waited()).toBeLessThan(150);
  });
});

describe('RoundTrips', () => {
  it('knows the shortest of the last 32 waits of each server', () => {
    const trips = new RoundTrips();
    expect(trips.shortestMs('https://a.test')).toBe(0);
    trips.note('https://a.test', 7);
    trips.note('https://b.test', 90);
    for (let index = 0; index < 31; index += 1) trips.note('https://a.test', 50 + index);
    expect(trips.shortestMs('https://a.test')).toBe(7);
    trips.note('https://a.test', 60);
    expect(trips.shortestMs('https://a.test')).toBe(50);
    expect(trips.shortestMs('https://b.test')).toBe(90);
  });

  it('forgets the server that it heard of longest ago after 256 others', () => {
    const trips = new RoundTrips();
    trips.note('https://old.test', 5);
    trips.note('https://kept.test', 6);
    for (let index = 0; index < 254; index += 1) trips.note(`https://h${index}.test`, 1);
    trips.note('https://kept.test', 6);
    trips.note('https://last.test', 1);
    expect(trips.shortestMs('https://old.test')).toBe(0);
    expect(trips.shortestMs('https://kept.test')).toBe(6);
  });
});
