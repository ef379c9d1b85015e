import type { Clock } from '../async/clock.ts';
import { repositoryKey, type Repository } from '../oci/namespace.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { failure, refusal } from './not-pulled.ts';
import type { NotPulled, Passage, Pull } from './pull.ts';

export interface TagListPull extends Pull {
  /** `n` and `last`, as the client sent them. */
  readonly query: URLSearchParams;
}

export interface PulledTagList {
  readonly kind: 'tags';
  readonly bytes: Buffer;
  /** The upstream's `Link` field, to be rewritten. */
  readonly link: string | undefined;
  readonly passage: Passage;
}

export interface TagListDeps {
  readonly upstreamOf: (repository: Repository) => Upstream;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** Asks the upstream for a page of tags: which tags there are is the origin's to say, so nothing is kept. */
export async function pullTagList(pull: TagListPull, deps: TagListDeps): Promise<PulledTagList | NotPulled> {
  const { clock, telemetry } = deps;
  const { repository, passport, query, signal } = pull;
  const upstream = deps.upstreamOf(repository);
  const startedMs = clock.monotonic();
  try {
    const answer = await upstream.listTags(repository.name, query, passport, signal);
    const upstreamMs = clock.monotonic() - startedMs;
    if (answer.kind === 'refused') return refusal(answer, 'NAME_UNKNOWN', upstreamMs);
    const passage: Passage = { outcome: 'miss', trail: answer.trail, upstreamMs };
    return { kind: 'tags', bytes: answer.bytes, link: answer.link, passage };
  } catch (error) {
    const request = `tags of ${repositoryKey(repository)}`;
    return failure(error, { telemetry, upstream: upstream.name, request }, clock.monotonic() - startedMs);
  }
}
