import { createHash } from 'node:crypto';
import type { Descriptor } from '../../oci/descriptor.ts';
import { type Digest, digestAlgorithm, formatDigest, isDigest } from '../../oci/digest.ts';
import { type Manifest, MAX_MANIFEST_BYTES, readManifest } from '../../oci/manifest.ts';
import { MANIFEST_ACCEPT } from '../../oci/media-type.ts';
import type { PullSample, RequestSample } from '../result.ts';
import type { Habits } from './habits.ts';
import { readHopAnswers } from './hop-answers.ts';
import { type Endpoint, Session, type SessionAnswer } from './session.ts';

export interface ImageName {
  readonly repository: string;
  /** A tag or a digest. */
  readonly reference: string;
}

export interface PullOptions {
  readonly endpoint: Endpoint;
  readonly image: ImageName;
  readonly habits: Habits;
  /** As in `linux/amd64`. */
  readonly platform: string;
  readonly signal: AbortSignal;
}

/** What one pull took, without what only its bench knows. */
export type Pulled = Pick<
  PullSample,
  'error' | 'manifestMs' | 'firstByteMs' | 'imageMs' | 'bytes' | 'requests'
>;

/**
 * Pulls an image as a container runtime does: tag, manifest, config and layers, every digest checked, nothing kept.
 * An error is part of what is returned; only the signal's reason is thrown.
 */
export async function pullImage(options: PullOptions): Promise<Pulled> {
  const pull = new Pull(options);
  try {
    await pull.run();
    return pull.pulled(undefined);
  } catch (error) {
    options.signal.throwIfAborted();
    return pull.pulled(error instanceof Error ? wordsOf(error) : String(error));
  } finally {
    pull[Symbol.dispose]();
  }
}

class Pull implements Disposable {
  readonly #options: PullOptions;
  readonly #session: Session;
  readonly #startedMs = performance.now();
  readonly #requests: RequestSample[] = [];
  readonly #failed = new AbortController();
  #manifestMs = 0;
  #firstByteMs = 0;
  #bytes = 0;

  constructor(options: PullOptions) {
    this.#options = options;
    const { endpoint, habits } = options;
    const namespace = habits.sendsNamespace ? endpoint.namespace : undefined;
    this.#session = new Session({ ...endpoint, namespace }, habits);
  }

  async run(): Promise<void> {
    const { habits } = this.#options;
    if (habits.pings) await this.#ping();
    const manifest = await this.#resolve();
    this.#manifestMs = this.#elapsedMs;
    const [config, ...layers] = unique(manifest.blobs);
    const blobs = layers.map((blob, index) => ({ blob, what: `layer ${index + 1}` }));
    const first = config === undefined ? [] : [{ blob: config, what: 'config' }];
    const queue = habits.config === 'with layers' ? [...first, ...blobs] : blobs;
    const workers = Array.from({ length: habits.parallelLayers }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        await this.#blob(next.blob, next.what);
      }
    });
    try {
      await Promise.all(workers);
    } catch (error) {
      this.#failed.abort(error);
      await Promise.allSettled(workers);
      throw error;
    }
    if (habits.config === 'after layers' && config !== undefined) await this.#blob(config, 'config');
    if (blobs.length === 0) this.#firstByteMs = this.#elapsedMs;
  }

  pulled(error: string | undefined): Pulled {
    return {
      error,
      manifestMs: this.#manifestMs,
      firstByteMs: this.#firstByteMs,
      imageMs: this.#elapsedMs,
      bytes: this.#bytes,
      requests: this.#requests.toSorted((one, other) => one.startMs - other.startMs),
    };
  }

  [Symbol.dispose](): void {
    this.#session[Symbol.dispose]();
  }

  get #elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  async #ping(): Promise<void> {
    await this.#timed('ping', async () => {
      const answer = await this.#session.ask('GET', '/v2/', { scope: this.#scope, signal: this.#signal });
      // A 401 to a client without credentials is an answer: what it may read is asked for by name.
      if (answer.status !== 200 && answer.status !== 401) throw refused('/v2/', answer);
      return answer;
    });
  }

  async #resolve(): Promise<Manifest> {
    const { image, habits } = this.#options;
    let reference = image.reference;
    if (habits.resolvesBy === 'HEAD' && !isDigest(reference)) {
      const { answer } = await this.#timed('tag', async () => this.#askManifest('HEAD', reference));
      reference = answer.headers['docker-content-digest'] ?? reference;
    }
    const root = await this.#manifest(
      reference,
      isDigest(image.reference) || habits.resolvesBy === 'HEAD' ? 'manifest' : 'tag',
    );
    if (root.manifests.length === 0) return root;
    const [os, architecture] = this.#options.platform.split('/');
    const chosen = root.manifests.find((_, index) => {
      const platform = root.platforms[index];
      return platform?.os === os && platform?.architecture === architecture;
    });
    const descriptor = chosen ?? root.manifests[0];
    if (descriptor === undefined) throw new Error('the index lists no manifest');
    return await this.#manifest(descriptor.digest, 'manifest');
  }

  async #manifest(
    reference: string,
    what: string,
  ): Promise<Manifest & { readonly platforms: readonly (Platform | undefined)[] }> {
    const { answer, chunks } = await this.#timed(
      what,
      async () => this.#askManifest('GET', reference),
      MAX_MANIFEST_BYTES,
    );
    const bytes = Buffer.concat(chunks);
    const wanted = isDigest(reference) ? reference : answer.headers['docker-content-digest'];
    if (wanted !== undefined && isDigest(wanted)) check(wanted, [bytes]);
    const manifest = readManifest(bytes);
    if (manifest === undefined) throw new Error(`the manifest ${reference} is no JSON`);
    return { ...manifest, platforms: platformsOf(bytes) };
  }

  async #askManifest(method: 'GET' | 'HEAD', reference: string): Promise<SessionAnswer> {
    const path = `/v2/${this.#options.image.repository}/manifests/${reference}`;
    const answer = await this.#session.ask(method, path, {
      accept: MANIFEST_ACCEPT.join(', '),
      scope: this.#scope,
      signal: this.#signal,
    });
    if (answer.status !== 200) throw refused(`${method} ${path}`, answer);
    return answer;
  }

  async #blob(blob: Descriptor, what: string): Promise<void> {
    const path = `/v2/${this.#options.image.repository}/blobs/${blob.digest}`;
    const hash = createHash(digestAlgorithm(blob.digest));
    const { sample } = await this.#timed(
      what,
      async () => {
        const answer = await this.#session.ask('GET', path, { scope: this.#scope, signal: this.#signal });
        if (answer.status !== 200) throw refused(`GET ${path}`, answer);
        return answer;
      },
      blob.sizeBytes,
      hash,
    );
    if (sample.bytes !== blob.sizeBytes)
      throw new Error(`${blob.digest} ended at byte ${sample.bytes} of ${blob.sizeBytes}`);
    const got = formatDigest(digestAlgorithm(blob.digest), hash.digest('hex'));
    if (got !== blob.digest) throw new Error(`${blob.digest} came as ${got}`);
    if (what.startsWith('layer')) {
      this.#firstByteMs = Math.min(this.#firstByteMs || Infinity, sample.firstByteMs);
    }
  }

  /** One request with its body, noted with its times. */
  async #timed(
    what: string,
    ask: () => Promise<SessionAnswer>,
    mostBytes = 0,
    hash?: { update(chunk: Buffer): unknown },
  ): Promise<{ answer: SessionAnswer; chunks: Buffer[]; sample: RequestSample }> {
    const startMs = this.#elapsedMs;
    const answer = await ask();
    let firstByteMs = this.#elapsedMs;
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      if (bytes === 0) firstByteMs = this.#elapsedMs;
      bytes += chunk.length;
      if (mostBytes > 0 && bytes > mostBytes) throw new Error(`the answer has more than ${mostBytes} bytes`);
      if (hash === undefined) chunks.push(chunk);
      else hash.update(chunk);
    }
    const { headers, newConnection } = answer;
    const hops = readHopAnswers(headers['cache-status'], headers['server-timing']);
    const sample = { what, startMs, firstByteMs, endMs: this.#elapsedMs, bytes, newConnection, hops };
    this.#requests.push(sample);
    this.#bytes += bytes;
    return { answer, chunks, sample };
  }

  get #scope(): string {
    return `repository:${this.#options.image.repository}:pull`;
  }

  get #signal(): AbortSignal {
    return AbortSignal.any([this.#options.signal, this.#failed.signal]);
  }
}

interface Platform {
  readonly os: string;
  readonly architecture: string;
}

/** What the index says of each manifest that can be read of it, in the same order. */
function platformsOf(bytes: Buffer): readonly (Platform | undefined)[] {
  const json = JSON.parse(bytes.toString('utf8')) as { manifests?: unknown };
  if (!Array.isArray(json.manifests)) return [];
  return json.manifests.map((entry: unknown) => {
    const platform = (entry as { platform?: Partial<Record<keyof Platform, unknown>> } | null)?.platform;
    const { os, architecture } = platform ?? {};
    return typeof os === 'string' && typeof architecture === 'string' ? { os, architecture } : undefined;
  });
}

function unique(blobs: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
}

function check(wanted: Digest, pieces: readonly Buffer[]): void {
  const hash = createHash(digestAlgorithm(wanted));
  for (const piece of pieces) hash.update(piece);
  const got = formatDigest(digestAlgorithm(wanted), hash.digest('hex'));
  if (got !== wanted) throw new Error(`${wanted} came as ${got}`);
}

function refused(what: string, { status, body }: SessionAnswer): Error {
  body.destroy();
  return new Error(`${what} answered ${status}${MEANING[status] ?? ''}`);
}

const MEANING: Readonly<Record<number, string>> = {
  401: ': credentials are wanted, or others',
  403: ': these credentials may not read it',
  404: ': there is no such image here',
  429: ': too many requests, try later',
  502: ': what lies behind it does not answer',
  504: ': what lies behind it does not answer in time',
};

/** Node puts what happened into a code, an address, and sometimes several of both. */
function wordsOf(error: Error): string {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return wordsOf(error.errors[0]);
  return error.message === '' ? error.name : error.message;
}
