import { array, assert, integer, property } from 'fast-check';
import { expect, it } from 'vitest';
import { ByteQueue } from './byte-queue.ts';

it('gives back what was put in, in whatever pieces', () => {
  const sizes = array(integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 30 });
  assert(
    property(sizes, sizes, (putting, taking) => {
      const queue = new ByteQueue();
      const put: Buffer[] = [];
      const taken: Buffer[] = [];
      for (const [index, size] of putting.entries()) {
        const piece = Buffer.alloc(size, index + 1);
        put.push(piece);
        queue.push(piece);
        taken.push(...queue.take(taking[index % taking.length] ?? 0));
      }
      expect(queue.sizeBytes).toBe(Buffer.concat(put).length - Buffer.concat(taken).length);
      taken.push(...queue.take(Infinity));
      expect(Buffer.concat(taken)).toEqual(Buffer.concat(put));
      expect(queue.sizeBytes).toBe(0);
    }),
  );
});

it('drops its last bytes and keeps those before them', () => {
  const queue = new ByteQueue();
  for (const text of ['abc', 'def', 'ghi']) queue.push(Buffer.from(text));
  queue.take(1);
  queue.dropLast(4);
  expect(Buffer.concat(queue.take(Infinity)).toString()).toBe('bcde');
});
