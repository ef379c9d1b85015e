import type { RequestListener } from 'node:http';

/** What can be scraped. */
export interface MetricsSource {
  readonly contentType: string;
  text(): Promise<string>;
}

/** Answers a scrape: everything in Prometheus' text format, or 500 and why not. */
export function metricsRoute(metrics: MetricsSource): RequestListener {
  return (_request, response) => {
    metrics.text().then(
      (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
      (error: unknown) =>
        response.writeHead(500, { 'content-type': 'text/plain' }).end(`no metrics: ${String(error)}\n`),
    );
  };
}
