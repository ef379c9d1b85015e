import type { IncomingHttpHeaders } from 'node:http';
import {
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type TextMapPropagator,
} from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import type { Propagator } from './trace-settings.ts';

const PROPAGATORS: Readonly<Record<Propagator, () => TextMapPropagator>> = {
  tracecontext: () => new W3CTraceContextPropagator(),
  baggage: () => new W3CBaggagePropagator(),
};

/**
 * Half of what the W3C lets through. A request is refused as a whole where one field is longer than 8 KiB (nginx, Apache):
 * any client could have hops taken for broken.
 */
const MAX_BAGGAGE_LENGTH = 4096;

/**
 * Reads and writes what connects the spans of several servers: W3C Trace Context and Baggage. Both are parsed and
 * written anew, within bounds: 512 bytes of `tracestate`, 4 KiB of `baggage`.
 */
export class Propagation {
  readonly #all: TextMapPropagator;
  /** Baggage may say who the client is: an origin may belong to anybody. */
  readonly #toOrigins: TextMapPropagator;

  constructor(names: ReadonlySet<Propagator>) {
    const of = (kept: readonly Propagator[]): TextMapPropagator =>
      new CompositePropagator({ propagators: kept.map((name) => PROPAGATORS[name]()) });
    this.#all = of([...names]);
    this.#toOrigins = of([...names].filter((name) => name !== 'baggage'));
  }

  /** What a request says of the trace it belongs to; a field that is malformed says nothing. */
  read(headers: IncomingHttpHeaders): Context {
    return this.#all.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
  }

  /** What a question to the next server says of it. */
  headers(context: Context, role: 'hop' | 'origin'): Readonly<Record<string, string>> {
    const headers: Record<string, string> = {};
    const propagator = role === 'hop' ? this.#all : this.#toOrigins;
    propagator.inject(context, headers, defaultTextMapSetter);
    const { baggage, ...others } = headers;
    return baggage === undefined ? headers : { ...others, ...bounded(baggage) };
  }
}

/** As many of its members as there is room for. */
function bounded(baggage: string): Readonly<Record<string, string>> {
  if (baggage.length <= MAX_BAGGAGE_LENGTH) return { baggage };
  const end = baggage.lastIndexOf(',', MAX_BAGGAGE_LENGTH);
  return end === -1 ? {} : { baggage: baggage.slice(0, end) };
}
