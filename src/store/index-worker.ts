import { parentPort } from 'node:worker_threads';
import type { IndexRequest } from './index-request.ts';
import { IndexService } from './index-service.ts';

/** A request or an answer on its way between the threads. */
export type IndexMessage = { readonly id: number } & (
  { readonly kind: 'answer'; readonly value: unknown } | { readonly kind: 'failure'; readonly error: Error }
);

/** Answers each message of the parent thread. The program's bundle holds this file as CommonJS: nothing awaits here. */
function serveIndex(): void {
  const port = parentPort;
  if (port === null) return;
  let service: IndexService | undefined;
  const answer = async (request: IndexRequest): Promise<unknown> => {
    if (request.kind === 'open') {
      service = new IndexService(request.root, request.plainNamespace);
      return undefined;
    }
    if (service === undefined) throw new Error('the index is not open');
    return await service.answer(request);
  };
  port.on('message', ({ id, request }: { id: number; request: IndexRequest }) => {
    answer(request).then(
      (value) => port.postMessage({ id, kind: 'answer', value } satisfies IndexMessage),
      (error: unknown) => {
        const reason = error instanceof Error ? error : new Error(String(error));
        port.postMessage({ id, kind: 'failure', error: reason } satisfies IndexMessage);
      },
    );
  });
}

serveIndex();
