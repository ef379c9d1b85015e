import type { Dispatcher } from 'undici';
import { describe, expect, it, vi } from 'vitest';
import { ResponseBody } from './body.ts';

/** A connection that remembers what was asked of it, and delivers even while it is paused. */
function connection() {
  const controller = {
    aborted: false,
    paused: false,
    reason: null,
    rawHeaders: null,
    rawTrailers: null,
    pause: vi.fn<() => void>(),
    resume: vi.fn<() => void>(),
    abort: vi.fn<(reason: Error) => void>(),
  } satisfies Dispatcher.DispatchController;
  return { controller, body: new ResponseBody(controller) };
}

describe('ResponseBody', () => {
  it('is paused until it is consumed', async () => {
    const { controller, body } = connection();
    expect(controller.pause).toHaveBeenCalledTimes(1);
    const read = body.readAll(10);
    expect(controller.resume).toHaveBeenCalledTimes(1);
    body.push(Buffer.from('ab'));
    body.end();
    expect((await read).toString()).toBe('ab');
  });

  it('keeps pieces and the end that come before it is consumed', async () => {
    const { controller, body } = connection();
    body.push(Buffer.from('ab'));
    body.push(Buffer.from('cd'));
    body.end();
    expect((await body.readAll(10)).toString()).toBe('abcd');
    expect(controller.resume).not.toHaveBeenCalled();
  });

  it('hands over what came before a failure, and then fails', async () => {
    const { body } = connection();
    const fault = new Error('cut');
    body.push(Buffer.from('ab'));
    body.end(fault);
    const seen: string[] = [];
    const consumed = body.consume((chunk) => {
      seen.push(chunk.toString());
      return undefined;
    });
    await expect(consumed).rejects.toBe(fault);
    expect(seen).toEqual(['ab']);
  });

  it('never hands a piece to a sink that still waits, and ends only after the last one is taken', async () => {
    const { body } = connection();
    const taken = Promise.withResolvers<void>();
    const seen: string[] = [];
    let ended = false;
    const consumed = body
      .consume((chunk) => {
        seen.push(chunk.toString());
        return chunk.toString() === 'a' ? taken.promise : undefined;
      })
      .then(() => {
        ended = true;
      });
    for (const text of ['a', 'b', 'c']) body.push(Buffer.from(text));
    body.end();
    await Promise.resolve();
    expect([seen, ended]).toEqual([['a'], false]);
    taken.resolve();
    await consumed;
    expect(seen).toEqual(['a', 'b', 'c']);
  });

  it('does not bother a sink with pieces of no bytes: one that waits each time would go round for ever', async () => {
    const { body } = connection();
    const sink = vi.fn<() => undefined>();
    const consumed = body.consume(sink);
    body.push(Buffer.alloc(0));
    body.end();
    await consumed;
    expect(sink).not.toHaveBeenCalled();
  });

  it('leaves a connection alone once its own response has ended: another one may use it', async () => {
    const { controller, body } = connection();
    body.end();
    await body.discard();
    await body.discard();
    body.abort(new Error('late'));
    expect(controller.resume).not.toHaveBeenCalled();
    expect(controller.abort).not.toHaveBeenCalled();
  });

  it('closes the connection of a body that is given up or too long to be dropped', async () => {
    const given = connection();
    const reason = new Error('given up');
    given.body.abort(reason);
    expect(given.controller.abort).toHaveBeenCalledWith(reason);
    await expect(given.body.readAll(10)).rejects.toBe(reason);
    const long = connection();
    const dropped = long.body.discard();
    long.body.push(Buffer.alloc(64 * 1024));
    expect(long.controller.abort).not.toHaveBeenCalled();
    long.body.push(Buffer.alloc(1));
    await dropped;
    expect(long.controller.abort).toHaveBeenCalledTimes(1);
  });
});
