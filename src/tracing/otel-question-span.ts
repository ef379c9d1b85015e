import { type Attributes, type Span, SpanStatusCode } from '@opentelemetry/api';
import type { Resource, UpstreamFailure } from '../telemetry/event.ts';
import type { QuestionSpan, TracedQuestion } from '../telemetry/tracer.ts';

/** One question to a hop: OpenTelemetry's conventions for HTTP clients. */
export class OtelQuestionSpan implements QuestionSpan {
  readonly headers: Readonly<Record<string, string>>;
  readonly #span: Span;
  readonly #host: string;
  #isError = false;

  /** @param headers what tells the hop of this span */
  constructor(span: Span, { url }: TracedQuestion, headers: Readonly<Record<string, string>>) {
    this.#span = span;
    this.headers = headers;
    this.#host = new URL(url).host;
  }

  answered(status: number, host: string): void {
    this.#span.setAttribute('http.response.status_code', status);
    if (host !== this.#host) this.#span.setAttribute('regcache.redirected_to', host);
    if (status >= 400) this.#fail(String(status));
  }

  end(): void {
    this.#span.end();
  }

  failed(failure: UpstreamFailure, reason: string): void {
    this.#fail(failure, reason);
    this.#span.end();
  }

  givenUp(reason: string): void {
    this.#span.setAttribute('regcache.given_up', reason);
    this.#span.end();
  }

  #fail(type: string, message?: string): void {
    if (this.#isError) return;
    this.#isError = true;
    this.#span.setAttribute('error.type', type);
    this.#span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) });
  }
}

/** The name of a question's span: one of few, as those of requests. */
export function questionName({ method, url }: TracedQuestion): string {
  return `${method} ${NOUNS.find(([path]) => path.test(url))?.[1]}`;
}

const NOUNS: readonly (readonly [path: RegExp, noun: Resource])[] = [
  [/\/manifests\/[^/]+$/, 'manifest'],
  [/\/blobs\/[^/]+$/, 'blob'],
  [/\/referrers\/[^/]+$/, 'referrers'],
  [/\/tags\/list$/, 'tags'],
  [/\/_catalog$/, 'catalog'],
  [/^/, 'ping'],
];

/** What is known of a question before it is answered. */
export function questionAttributes({ method, url, range, namespace }: TracedQuestion): Attributes {
  const { host, hostname, port, protocol } = new URL(url);
  return {
    'http.request.method': method,
    'http.request.header.range': range === undefined ? undefined : [range],
    'url.full': url,
    'server.address': hostname.replaceAll(/[[\]]/g, ''),
    'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
    'regcache.upstream': host,
    'regcache.namespace': namespace,
  };
}
