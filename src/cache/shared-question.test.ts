import { expect, test } from 'vitest';
import type { RequestSpan } from '../telemetry/tracer.ts';
import { SharedQuestion } from './shared-question.ts';

class SeenSpan implements RequestSpan {
  readonly traceId = '';
  readonly joined: (RequestSpan | undefined)[] = [];
  joins(other: RequestSpan | undefined): void {
    this.joined.push(other);
  }
  ask(): never {
    throw new Error('nothing is asked here');
  }
}

function asker(span: RequestSpan | undefined): Parameters<SharedQuestion<string>['run']>[1] {
  return { signal: new AbortController().signal, passport: { via: '1.1 a', hopsPassed: 0, span } };
}

test('whoever joins a question has in its trace who asked; whoever asked has nothing', async () => {
  const questions = new SharedQuestion<string>();
  const answer = Promise.withResolvers<string>();
  const [first, second] = [new SeenSpan(), new SeenSpan()];
  let asked = 0;
  const ask = async (): Promise<string> => {
    asked += 1;
    return await answer.promise;
  };
  const running = [first, second, undefined].map(async (span) => questions.run('key', asker(span), ask));
  answer.resolve('yes');
  expect(await Promise.all(running)).toEqual([
    { value: 'yes', started: true },
    { value: 'yes', started: false },
    { value: 'yes', started: false },
  ]);
  expect([asked, first.joined]).toEqual([1, []]);
  expect(second.joined).toHaveLength(1);
  expect(second.joined[0]).toBe(first);
  await questions.run('key', asker(second), ask);
  expect([asked, second.joined.length]).toEqual([2, 1]);
});
