import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Machine } from './examine-machine.ts';

const WAIT_MS = 1500;

/**
 * Whether what listens on a configured address answers as a regcache does. It is asked for nothing but `/v2/`, and shown
 * nothing, so that its certificate need not be trusted.
 * @returns undefined where nothing answers
 */
export async function regcacheAnswers(
  listen: Machine['listen'],
  isTls: boolean,
): Promise<boolean | undefined> {
  if (listen.kind === 'tcp' && listen.port === 0) return undefined;
  const anywhere =
    listen.kind === 'tcp' && (listen.host === undefined || ['0.0.0.0', '::'].includes(listen.host));
  const to =
    listen.kind === 'unix'
      ? { socketPath: listen.path }
      : { host: anywhere ? 'localhost' : listen.host, port: listen.port };
  const ask = isTls ? requestHttps : requestHttp;
  return await new Promise<boolean | undefined>((done) => {
    const request = ask(
      { ...to, path: '/v2/', agent: false, rejectUnauthorized: false, timeout: WAIT_MS },
      (answer) => {
        answer.resume();
        const { via, 'docker-distribution-api-version': version } = answer.headers;
        done(/\([0-9a-f-]{8,}\)$/.test(via ?? '') && version !== undefined);
      },
    );
    request.once('timeout', () => {
      request.destroy();
      done(undefined);
    });
    request.once('error', (error) => {
      const code = 'code' in error ? String(error.code) : '';
      done(
        ['ECONNREFUSED', 'ENOENT', 'ENOTFOUND', 'EADDRNOTAVAIL', 'EAI_AGAIN'].includes(code)
          ? undefined
          : /CERTIFICATE|ALERT/.test(code),
      );
    });
    request.end();
  });
}
