import { METHODS, STATUS_CODES } from 'node:http';
import type { Outcome, RequestEvent, Resource } from '../event.ts';
import { Buckets } from './buckets.ts';
import type { KnownLabels } from './known-labels.ts';
import { WAIT_SECONDS } from './upstream-answers.ts';

/** What is known of all ended requests that are alike in these ways. */
export interface RequestCell {
  readonly namespace: string;
  readonly resource: Resource | undefined;
  readonly outcome: Outcome | undefined;
  /** In small letters, as Distribution writes it. */
  readonly method: string;
  readonly code: string;
  readonly seconds: Buckets;
  /** Of those that waited for the next hop. */
  readonly waitSeconds: Buckets;
  readonly answerBytes: Buckets;
  readonly requestBytes: Buckets;
}

type ByStatus = Map<number, RequestCell>;
type ByMethod = Map<string, ByStatus>;
type ByOutcome = Map<Outcome | undefined, ByMethod>;
type ByResource = Map<Resource | undefined, ByOutcome>;
type ByNamespace = Map<string | undefined, ByResource>;

/** Distribution's bounds, in seconds. */
export const DISTRIBUTION_SECONDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60,
];
/** A hit takes less than Distribution's shortest, a large blob over a slow line more than its longest. */
export const REQUEST_SECONDS: readonly number[] = [0.0005, 0.001, 0.0025, ...DISTRIBUTION_SECONDS, 300, 1800];
/** Distribution's bounds, 1 KiB to 2 GiB, in bytes. */
const SIZE_BYTES: readonly number[] = Array.from({ length: 22 }, (_, power) => 1024 * 2 ** power);

const OTHER_METHOD = 'OTHER';
const OTHER_STATUS = 0;
const HTTP_VERSION_BYTES = 'HTTP/1.1'.length;
const READS = ['manifest', 'blob'] as const;
const OUTCOMES = ['hit', 'prefetched', 'joined', 'miss', 'revalidated', 'stale', 'bypass'] as const;

/**
 * Counts requests. This is the one place where each request of a busy cache passes: prom-client's own metrics cost a
 * quarter to half a microsecond for each number, all of this together costs less than one of them.
 */
export class RequestCells {
  readonly #labels: KnownLabels;
  readonly #cells: ByNamespace = new Map();

  constructor(labels: KnownLabels) {
    this.#labels = labels;
    // Prometheus sees a counter grow only if it was there before.
    for (const namespace of labels.namespaces) {
      for (const resource of READS) {
        for (const outcome of OUTCOMES) this.#make(namespace, resource, outcome, 'GET', 200);
      }
    }
  }

  add(event: RequestEvent): void {
    const { namespace, resource, outcome, method, status, bytesSent, durationMs, upstreamMs } = event;
    const cell =
      this.#cells.get(namespace)?.get(resource)?.get(outcome)?.get(method)?.get(status) ??
      this.#bounded(event);
    cell.seconds.add(durationMs / 1000);
    if (upstreamMs !== undefined) cell.waitSeconds.add(upstreamMs / 1000);
    cell.answerBytes.add(bytesSent);
    cell.requestBytes.add(
      method.length + event.target.length + HTTP_VERSION_BYTES + (event.userAgent?.length ?? 0),
    );
  }

  /** All cells, in no order. */
  *all(): Iterable<RequestCell> {
    for (const byResource of this.#cells.values()) {
      for (const byOutcome of byResource.values()) {
        for (const byMethod of byOutcome.values()) {
          for (const byStatus of byMethod.values()) yield* byStatus.values();
        }
      }
    }
  }

  /** The cell of a request that is new, or is none of those that may have one of their own. */
  #bounded({ namespace, resource, outcome, method, status }: RequestEvent): RequestCell {
    const known = this.#labels.namespace(namespace);
    return this.#make(
      known === '' ? undefined : known,
      resource,
      outcome,
      METHODS.includes(method) ? method : OTHER_METHOD,
      STATUS_CODES[status] === undefined ? OTHER_STATUS : status,
    );
  }

  #make(
    namespace: string | undefined,
    resource: Resource | undefined,
    outcome: Outcome | undefined,
    method: string,
    status: number,
  ): RequestCell {
    const byOutcome = inner(inner(this.#cells, namespace), resource);
    const byStatus = inner(inner(byOutcome, outcome), method);
    const cell = byStatus.get(status) ?? {
      namespace: namespace ?? '',
      resource,
      outcome,
      method: method.toLowerCase(),
      code: status === OTHER_STATUS ? 'other' : String(status),
      seconds: new Buckets(REQUEST_SECONDS),
      waitSeconds: new Buckets(WAIT_SECONDS),
      answerBytes: new Buckets(SIZE_BYTES),
      requestBytes: new Buckets(SIZE_BYTES),
    };
    byStatus.set(status, cell);
    return cell;
  }
}

function inner<K, L, V>(map: Map<K, Map<L, V>>, key: K): Map<L, V> {
  const found = map.get(key) ?? new Map<L, V>();
  map.set(key, found);
  return found;
}
