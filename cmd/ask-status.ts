import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** Something to ask a server, of which only the status counts. */
export interface Question {
  readonly at: { readonly host: string; readonly port: number } | { readonly socketPath: string };
  readonly path: string;
  /** How the question is called when its answer is told. */
  readonly name: string;
  readonly secure: boolean;
  /** Whether the certificate is of no matter: nothing is sent that anybody could want. */
  readonly trustAnyone: boolean;
  readonly accepts: (status: number) => boolean;
}

export type StatusAnswer =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'failed'; readonly reason: string };

/** Asks once, over a connection of its own. A server that does not answer is a value as well. */
export async function askStatus(question: Question, signal: AbortSignal): Promise<StatusAnswer> {
  const { at, path, secure, trustAnyone } = question;
  const { promise, resolve } = Promise.withResolvers<StatusAnswer>();
  const options = { ...at, path, agent: false, signal };
  const request = secure
    ? requestHttps({ ...options, rejectUnauthorized: !trustAnyone })
    : requestHttp(options);
  request.on('response', (response) => {
    resolve({ kind: 'answered', status: response.statusCode ?? 0 });
    response.resume();
  });
  request.on('error', (error: NodeJS.ErrnoException) => {
    const reason = signal.aborted
      ? 'did not answer in time'
      : `cannot be asked: ${error.code ?? error.message}`;
    resolve({ kind: 'failed', reason });
  });
  request.end();
  return await promise;
}
