import { parseContentRange } from '../oci/range.ts';
import type { Access } from './authenticate.ts';
import { isJson, isRecord, jsonOf, listOf, textsOf } from './answer-json.ts';
import { type Answer, type Asked, type Asker, fieldOf, type Question } from './asker.ts';
import type { Findings } from './finding.ts';
import { followRedirects } from './follow-redirects.ts';
import { manifestRefusal } from './manifest-refusal.ts';
import type { Target } from './target.ts';

export interface ContentDeps {
  readonly asker: Asker;
  readonly access: Access;
  readonly findings: Findings;
  readonly signal: AbortSignal;
}

interface Image {
  readonly repository: string;
  readonly reference: string;
}

const ACCEPT =
  'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json';
const SHORT_BYTES = 1024 * 1024;
const SLOW_BYTES_PER_SECOND = 256 * 1024;

/** Reads an image as a pull would, a little of it. @returns the last answer about it */
export async function probeContent(target: Target, deps: ContentDeps): Promise<Asked | undefined> {
  return await new ContentProbe(target, deps).run();
}

class ContentProbe {
  readonly #target: Target;
  readonly #deps: ContentDeps;

  constructor(target: Target, deps: ContentDeps) {
    this.#target = target;
    this.#deps = deps;
  }

  async run(): Promise<Asked | undefined> {
    const image = this.#target.image ?? (await this.#firstImage());
    const { findings } = this.#deps;
    if (image === undefined) {
      findings.note(
        'manifest',
        'no image was read: its catalog names none; name one with --image repository:tag',
      );
      return undefined;
    }
    const manifest = await this.#manifest(image);
    if (manifest === undefined) return undefined;
    const blob = await this.#blobOf(image, manifest);
    if (blob !== undefined) await this.#blob(image, blob);
    return manifest;
  }

  async #firstImage(): Promise<Image | undefined> {
    const repository = textsOf(
      await this.#ask('GET', '/v2/_catalog?n=1', 'registry:catalog:*'),
      'repositories',
    )[0];
    if (repository === undefined) return undefined;
    const list = await this.#ask('GET', `/v2/${repository}/tags/list?n=1`, pull(repository));
    const reference = textsOf(list, 'tags')[0];
    return reference === undefined ? undefined : { repository, reference };
  }

  async #manifest({ repository, reference }: Image): Promise<Asked | undefined> {
    const { findings } = this.#deps;
    const path = `/v2/${repository}/manifests/${reference}`;
    const name = `${repository}:${reference}`;
    const answer = await this.#ask('GET', path, pull(repository), { accept: ACCEPT });
    if (!answer.ok) {
      findings.fail(
        'manifest',
        `${name}: ${answer.seen}`,
        answer.mend ?? `ask again with a longer --timeout`,
      );
      return undefined;
    }
    if (answer.status !== 200) {
      const [seen, mend] = manifestRefusal(this.#target, answer, name);
      findings.fail('manifest', seen, mend, `the manifest of ${name}`);
      return undefined;
    }
    if (isJson(answer.body)) findings.ok('manifest', `${name} in ${answer.waitMs.toFixed(1)} ms`);
    else {
      findings.fail(
        'manifest',
        `${name}: what it sends is no manifest`,
        `look at it: curl -v ${this.#target.url.origin}${path}`,
        'JSON',
      );
      return undefined;
    }
    const head = await this.#ask('HEAD', path, pull(repository), { accept: ACCEPT });
    if (!head.ok || head.status !== 200) {
      findings.warn(
        'head',
        `HEAD of the manifest: ${head.ok ? `it answers ${head.status}` : head.seen}, though GET works: tags cost a whole manifest each time they are asked for`,
        'let HEAD through to the registry, in the proxy before it',
        '200',
      );
    } else if (fieldOf(head, 'docker-content-digest') === undefined) {
      findings.warn(
        'head',
        'HEAD of the manifest answers without Docker-Content-Digest: a tag cannot be revalidated by it',
        'let that field through, in the proxy before the registry',
        'Docker-Content-Digest',
      );
    } else findings.ok('head', 'HEAD of the manifest tells its digest');
    return answer;
  }

  /** The largest blob: of an index, of its first image. */
  async #blobOf(
    { repository }: Image,
    manifest: Asked,
  ): Promise<{ digest: string; sizeBytes: number } | undefined> {
    let json = jsonOf(manifest.body);
    const [first] = listOf(json['manifests']);
    if (first !== undefined && typeof first['digest'] === 'string') {
      const inner = await this.#ask(
        'GET',
        `/v2/${repository}/manifests/${first['digest']}`,
        pull(repository),
        { accept: ACCEPT },
      );
      if (!inner.ok || inner.status !== 200) {
        this.#deps.findings.fail(
          'manifest',
          `the index names ${first['digest']}, which it does not have`,
          'push that image again',
          '200',
        );
        return undefined;
      }
      json = jsonOf(inner.body);
    }
    const blobs = [...listOf(json['layers']), ...(isRecord(json['config']) ? [json['config']] : [])].flatMap(
      ({ digest, size }) =>
        typeof digest === 'string' && typeof size === 'number' ? [{ digest, sizeBytes: size }] : [],
    );
    return blobs.toSorted((one, other) => other.sizeBytes - one.sizeBytes)[0];
  }

  async #blob(
    { repository }: Image,
    { digest, sizeBytes }: { digest: string; sizeBytes: number },
  ): Promise<void> {
    const { findings } = this.#deps;
    const path = `/v2/${repository}/blobs/${digest}`;
    const head = await this.#follow('HEAD', path, repository, {});
    if (head === undefined) return;
    if (!head.ok || head.status !== 200) {
      findings.warn(
        'blob-head',
        `HEAD of a blob: ${head.ok ? `it answers ${head.status}` : head.seen}`,
        'let HEAD through to the registry, in the proxy before it',
        '200',
      );
    } else if (Number(fieldOf(head, 'content-length')) === sizeBytes)
      findings.ok('blob-head', `HEAD of a blob tells its ${sizeBytes} bytes`);
    else
      findings.warn(
        'blob-head',
        `HEAD of a blob tells ${fieldOf(head, 'content-length') ?? 'no'} bytes, its manifest ${sizeBytes}`,
        'have the proxy before the registry leave Content-Length alone',
        String(sizeBytes),
      );

    const wanted = Math.min(sizeBytes, SHORT_BYTES);
    const start = sizeBytes > wanted ? 1 : 0;
    const range = { range: `bytes=${start}-${start + wanted - 1}` };
    const part = await this.#follow('GET', path, repository, range, sizeBytes);
    if (part === undefined) return;
    if (!part.ok) {
      findings.fail(
        'range',
        `GET of a blob: ${part.seen}`,
        part.mend ?? 'look for what is slow or broken on the way: regcache bench',
      );
      return;
    }
    const given = parseContentRange(fieldOf(part, 'content-range') ?? '');
    if (part.status === 200) {
      findings.warn(
        'range',
        'it ignores ranges: a blob that breaks off starts again, and is fetched by one connection',
        'let Range through, in the proxy before the registry: in nginx, proxy_set_header Range $http_range;',
        '206',
      );
    } else if (part.status !== 206) {
      findings.fail(
        'range',
        `GET of a part of a blob answers ${part.status}`,
        part.status === 404 ? 'push that image again' : `look at that server’s log`,
        '206',
      );
      return;
    } else if (given?.range.start === start && part.body.length === wanted)
      findings.ok('range', 'a part of a blob is sent as asked');
    else
      findings.fail(
        'range',
        `it sends another part than was asked for: ${fieldOf(part, 'content-range') ?? 'no Content-Range'}`,
        'take the cache or proxy before the registry out of the way of Range',
        `bytes ${start}-${start + wanted - 1}/${sizeBytes}`,
      );
    this.#speed(part);
  }

  #speed({ body, readMs, waitMs }: Asked): void {
    const { findings } = this.#deps;
    const perSecond = body.length / (Math.max(1, readMs) / 1000);
    const text = `${body.length} bytes at ${(perSecond / 1e6).toFixed(2)} MB/s, after ${waitMs.toFixed(0)} ms`;
    if (body.length < 64 * 1024 || perSecond >= SLOW_BYTES_PER_SECOND) findings.ok('speed', text);
    else
      findings.warn(
        'speed',
        `it is slow: ${text}`,
        'put a cache nearer to it, and see what it gains: regcache bench',
        'more than 0.26 MB/s',
      );
  }

  /** Follows redirects as a cache does: never to plain http, never with credentials. */
  async #follow(
    method: 'GET' | 'HEAD',
    path: string,
    repository: string,
    headers: Readonly<Record<string, string>>,
    maxBytes = 0,
  ): Promise<Answer | undefined> {
    const more = maxBytes === 0 ? {} : { maxBytes };
    const answer = await this.#ask(method, path, pull(repository), headers, more);
    return await followRedirects(answer, { method, headers, ...more }, this.#deps);
  }

  async #ask(
    method: 'GET' | 'HEAD',
    path: string,
    scope: string,
    headers: Readonly<Record<string, string>> = {},
    more: Pick<Question, 'maxBytes'> = {},
  ): Promise<Answer> {
    const { asker, access, signal } = this.#deps;
    const url = new URL(path, this.#target.url);
    if (this.#target.namespace !== undefined) url.searchParams.set('ns', this.#target.namespace);
    const authorization = await authorizationOf(access, scope);
    const given = authorization === undefined ? {} : { authorization };
    return await asker.ask({ method, url, headers: { ...headers, ...given }, ...more }, signal);
  }
}

async function authorizationOf(access: Access, scope: string): Promise<string | undefined> {
  if (access.kind === 'basic') return access.authorization;
  if (access.kind !== 'bearer') return undefined;
  const token = await access.token(scope);
  return token === undefined ? undefined : `Bearer ${token}`;
}

function pull(repository: string): string {
  return `repository:${repository}:pull`;
}
