import { describe, expect, it } from 'vitest';
import { Notifier } from './notifier.ts';

describe('Notifier', () => {
  it('wakes everybody who waits, once', async () => {
    const notifier = new Notifier();
    const { signal } = new AbortController();
    const waiting = [notifier.wait(signal), notifier.wait(signal)];
    notifier.notify();
    await Promise.all(waiting);
    let woken = false;
    const again = notifier.wait(signal).then(() => {
      woken = true;
    });
    await Promise.resolve();
    expect(woken).toBe(false);
    notifier.notify();
    await again;
  });

  it('remembers nothing: what was told before is not waited for', async () => {
    const notifier = new Notifier();
    notifier.notify();
    const controller = new AbortController();
    const waiting = notifier.wait(controller.signal);
    controller.abort(new Error('left'));
    await expect(waiting).rejects.toThrow('left');
  });

  it('lets nobody wait whose signal has aborted, and lets everybody else go on', async () => {
    const notifier = new Notifier();
    await expect(notifier.wait(AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    const controller = new AbortController();
    const leaving = notifier.wait(controller.signal);
    const staying = notifier.wait(new AbortController().signal);
    controller.abort(new Error('left'));
    await expect(leaving).rejects.toThrow('left');
    notifier.notify();
    await staying;
  });
});
