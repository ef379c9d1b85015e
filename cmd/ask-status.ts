import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** Something to ask a server, of which only the status decides. */
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

const MAX_BODY_BYTES = 64 * 1024;

export type StatusAnswer =
  | { readonly kind: 'answered'; readonly status: number; readonly body: string }
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
    void bodyOf(response).then((body) =>
      resolve({ kind: 'answered', status: response.statusCode ?? 0, body }),
    );
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

/** What has come of it before its end, its break or the most that is read. */
async function bodyOf(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const piece of response as AsyncIterable<Buffer>) {
      pieces.push(piece);
      sizeBytes += piece.length;
      if (sizeBytes >= MAX_BODY_BYTES) break;
    }
  } catch {
    // The status is the answer; its body only explains it.
  }
  return Buffer.concat(pieces).toString();
}
