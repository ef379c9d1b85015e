import { gzipSync } from 'node:zlib';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import { Agent, request } from 'undici';
import type { Clock } from '../async/clock.ts';
import type { OtlpSettings } from './otlp-settings.ts';
import type { SpanLosses } from './span-losses.ts';

export interface OtlpExporterDeps {
  readonly clock: Clock;
  readonly losses: SpanLosses;
}

/** What a collector answers when the same batch may be taken later (OTLP specification, "Retryable Response Codes"). */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const FIRST_PAUSE_MS = 1_000;
const PAUSE_GROWTH = 1.5;
/** More than one only when all that is left is sent at once. */
const MAX_CONNECTIONS = 4;
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Sends spans to a collector by OTLP over HTTP, in protobuf. Beside the SDK's own exporter it can be ended at once:
 * that one's tries outlive its shutdown, and a daemon whose collector is down would take 8 s longer to end.
 */
export class OtlpExporter implements SpanExporter {
  readonly #settings: OtlpSettings;
  readonly #deps: OtlpExporterDeps;
  readonly #agent: Agent;
  readonly #closing = new AbortController();
  readonly #sending = new Set<Promise<void>>();

  constructor(settings: OtlpSettings, deps: OtlpExporterDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#agent = new Agent({ connect: settings.tls, allowH2: false, connections: MAX_CONNECTIONS });
  }

  /** Never fails: what could not be sent is told as lost. */
  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    const sending = this.#send(spans).finally(() => {
      this.#sending.delete(sending);
      done({ code: ExportResultCode.SUCCESS });
    });
    this.#sending.add(sending);
  }

  /** Waits for what is being sent. */
  async shutdown(): Promise<void> {
    await Promise.all(this.#sending);
  }

  /** Gives up what is being sent, at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error('the daemon has stopped'));
    await this.#agent.destroy();
    await this.shutdown();
  }

  async #send(spans: readonly ReadableSpan[]): Promise<void> {
    const { clock, losses } = this.#deps;
    const { url, timeoutMs } = this.#settings;
    const sent = new AbortController();
    const late = new AbortController();
    clock.sleep(timeoutMs, sent.signal).then(
      () => late.abort(new Error(`no answer in ${timeoutMs} ms`)),
      () => undefined,
    );
    const failed = (lost: number, reason: string): void => losses.add(lost, `${url.href}: ${reason}`);
    try {
      const signal = AbortSignal.any([late.signal, this.#closing.signal]);
      const { rejected, reason } = await this.#deliver(spans, signal);
      if (rejected > 0) failed(rejected, reason);
    } catch (error) {
      failed(spans.length, error instanceof Error ? error.message : String(error));
    } finally {
      sent.abort(new Error('sent'));
    }
  }

  /** @throws why none of them were taken */
  async #deliver(spans: readonly ReadableSpan[], signal: AbortSignal): Promise<Rejection> {
    const message = ProtobufTraceSerializer.serializeRequest([...spans]) ?? new Uint8Array();
    const body = this.#settings.gzip ? gzipSync(message) : message;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= PAUSE_GROWTH) {
      const answer = await this.#post(body, signal);
      if (answer.kind === 'taken') return answer;
      if (!answer.retryable) throw new Error(answer.reason);
      await this.#deps.clock.sleep(answer.pauseMs ?? pauseMs, signal).catch(() => {
        throw new Error(answer.reason);
      });
    }
  }

  async #post(body: Uint8Array, signal: AbortSignal): Promise<Answer> {
    const { url, headers, gzip } = this.#settings;
    try {
      const response = await request(url, {
        method: 'POST',
        headers: {
          'user-agent': 'regcache',
          'content-type': 'application/x-protobuf',
          ...(gzip ? { 'content-encoding': 'gzip' } : {}),
          ...headers,
        },
        body,
        dispatcher: this.#agent,
        signal,
      });
      const { statusCode: status } = response;
      const answer = await readShort(response.body);
      if (status >= 200 && status < 300) return { kind: 'taken', ...rejectionOf(answer) };
      const seconds = Number(response.headers['retry-after']);
      const pauseMs = seconds > 0 ? seconds * 1000 : undefined;
      return { kind: 'refused', reason: `it answered ${status}`, retryable: RETRYABLE.has(status), pauseMs };
    } catch (error) {
      const reason = error instanceof Error ? reasonOf(error) : String(error);
      return { kind: 'refused', reason, retryable: !signal.aborted, pauseMs: undefined };
    }
  }
}

interface Rejection {
  /** Spans that the collector has not taken though it answered well. */
  readonly rejected: number;
  readonly reason: string;
}

type Answer =
  | ({ readonly kind: 'taken' } & Rejection)
  | {
      readonly kind: 'refused';
      readonly reason: string;
      readonly retryable: boolean;
      /** As the collector asks for. */
      readonly pauseMs: number | undefined;
    };

async function readShort(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of body) {
    length += piece.length;
    if (length > MAX_ANSWER_BYTES) break;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** OTLP specification, "Partial Success". An answer that is none of its messages rejects nothing. */
function rejectionOf(answer: Buffer): Rejection {
  try {
    const { partialSuccess } = ProtobufTraceSerializer.deserializeResponse(answer);
    const rejected = partialSuccess?.rejectedSpans ?? 0;
    return { rejected, reason: `the collector refused them: ${partialSuccess?.errorMessage ?? ''}` };
  } catch {
    return { rejected: 0, reason: '' };
  }
}

/** Several addresses that were tried in vain come as one error without a message. */
function reasonOf(error: Error): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  return first instanceof Error && first.message !== '' ? first.message : error.name;
}
