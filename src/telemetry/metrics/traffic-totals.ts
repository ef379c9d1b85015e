import type { TelemetryEvent } from '../event.ts';
import type { PulledBytes } from './distribution-families.ts';
import { type Family, family } from './family.ts';
import type { KnownLabels } from './known-labels.ts';

type ReceivedEvent = Extract<TelemetryEvent, { kind: 'received' }>;
type SentEvent = Extract<TelemetryEvent, { kind: 'sent' }>;

interface Received {
  readonly namespace: string;
  readonly upstream: string;
  talkBytes: number;
  blobBytes: number;
}

/** Counts the bytes of bodies as they pass, to clients and from hops. */
export class TrafficTotals {
  readonly #labels: KnownLabels;
  readonly #sent = new Map<string, number>();
  readonly #received = new Map<string, Received>();

  constructor(labels: KnownLabels) {
    this.#labels = labels;
    for (const namespace of labels.namespaces) this.#sent.set(namespace, 0);
  }

  addSent({ namespace, bytes }: SentEvent): void {
    const known = this.#labels.namespace(namespace);
    this.#sent.set(known, (this.#sent.get(known) ?? 0) + bytes);
  }

  addReceived(event: ReceivedEvent): void {
    const namespace = this.#labels.namespace(event.namespace);
    const upstream = this.#labels.upstream(event.upstream);
    const key = `${namespace} ${upstream}`;
    const total = this.#received.get(key) ?? { namespace, upstream, talkBytes: 0, blobBytes: 0 };
    total[event.lane === 'blob' ? 'blobBytes' : 'talkBytes'] += event.bytes;
    this.#received.set(key, total);
  }

  /** What hops have sent, by Distribution's two types. */
  get pulled(): PulledBytes {
    let [blob, manifest] = [0, 0];
    for (const { talkBytes, blobBytes } of this.#received.values()) {
      blob += blobBytes;
      manifest += talkBytes;
    }
    return { blob, manifest };
  }

  families(): readonly Family[] {
    return [
      family(
        'counter',
        'regcache_sent_bytes_total',
        'Bytes of content that connections of clients have taken, told while answers run; bodies of errors are none.',
        Array.from(this.#sent, ([namespace, value]) => ({ labels: { namespace }, value })),
      ),
      family(
        'counter',
        'regcache_received_bytes_total',
        'Bytes of bodies that a hop has sent, told while they arrive; lane blob: content, talk: all else.',
        Array.from(this.#received.values(), ({ namespace, upstream, talkBytes, blobBytes }) => [
          { labels: { namespace, upstream, lane: 'blob' }, value: blobBytes },
          { labels: { namespace, upstream, lane: 'talk' }, value: talkBytes },
        ]).flat(),
      ),
    ];
  }
}
