import type { Clock } from '../async/clock.ts';
import type { Digest } from '../oci/digest.ts';
import { repositoryKey, type Repository } from '../oci/namespace.ts';
import { formatReference, type Reference, type Tag } from '../oci/reference.ts';
import type { Store } from '../store/store.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { UpstreamError } from '../upstream/error.ts';
import type { FoundManifest, Upstream } from '../upstream/upstream.ts';
import { AwaitedTags } from './awaited-tags.ts';
import { type HeldManifest, HeldManifests } from './held-manifests.ts';
import { failure, refusal } from './not-pulled.ts';
import { proveManifest } from './prove-manifest.ts';
import type { RemovedDigests } from './removed-digests.ts';
import type { NotPulled, Passage, Pull } from './pull.ts';
import { SharedQuestion } from './shared-question.ts';
import { tellStoreWrite } from './tell-store-write.ts';

export interface ManifestPull extends Pull {
  readonly reference: Reference;
  /** Whether the answer may go without its bytes. */
  readonly headOnly: boolean;
}

export interface PulledManifest {
  readonly kind: 'manifest';
  readonly manifest: Omit<HeldManifest, 'bytes'>;
  /** Undefined where only the head was asked for and the manifest is not held. */
  readonly bytes: Buffer | undefined;
  /** Seconds since the answer was validated at the origin; 0 where it was just now. */
  readonly ageSeconds: number;
  readonly passage: Passage;
}

export type ManifestResult = PulledManifest | NotPulled;

export interface ManifestCacheDeps {
  readonly store: Store;
  readonly upstreamOf: (repository: Repository) => Upstream;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly removed: RemovedDigests;
  /** As it is now: it can change while the daemon runs. */
  readonly freshness: () => Freshness;
  /** Told of each manifest that a client is given. */
  readonly onPulled: (repository: Repository, digest: Digest, bytes: Buffer) => void;
}

export interface Freshness {
  /** How long a tag is believed without asking. */
  readonly tagTtlMs: number;
  /** How long a tag outlives an unreachable upstream. */
  readonly staleIfErrorMs: number;
}

const HIT: Passage = { outcome: 'hit', trail: undefined, upstreamMs: undefined };

interface HeldTag {
  readonly manifest: HeldManifest;
  readonly checkedAtMs: number;
}

/** Decides where a manifest comes from and whether a tag is still true; the table is in `README.md` beside this file. */
export class ManifestCache {
  readonly #deps: ManifestCacheDeps;
  readonly #held: HeldManifests;
  readonly #questions = new SharedQuestion<ManifestResult>();
  readonly #awaited = new AwaitedTags();

  constructor(deps: ManifestCacheDeps) {
    this.#deps = deps;
    this.#held = new HeldManifests(deps.store);
  }

  async pull(pull: ManifestPull): Promise<ManifestResult> {
    const { reference } = pull;
    const result =
      reference.kind === 'digest'
        ? await this.#byDigest(pull, reference.digest)
        : await this.#byTag(pull, reference.tag);
    if (result.kind === 'manifest' && result.bytes !== undefined) {
      const { digest } = result.manifest;
      this.#deps.store.touch(digest, this.#deps.clock.now());
      if (!pull.headOnly) this.#deps.onPulled(pull.repository, digest, result.bytes);
    }
    return result;
  }

  /** Drops what memory holds of a digest that the store has removed. */
  forget(digest: Digest): void {
    this.#held.forget(digest);
  }

  async #byDigest(pull: ManifestPull, digest: Digest): Promise<ManifestResult> {
    const held = await this.#held.read(pull.repository, digest);
    if (held !== undefined) return pulled(held, 0, HIT);
    return await this.#share(pull, () => this.#fetch(pull, pull.headOnly));
  }

  async #byTag(pull: ManifestPull, tag: Tag): Promise<ManifestResult> {
    const held = await this.#heldTag(pull.repository, tag);
    const ageMs = held === undefined ? Infinity : this.#deps.clock.now() - held.checkedAtMs;
    if (held !== undefined && ageMs < this.#deps.freshness().tagTtlMs)
      return pulled(held.manifest, seconds(ageMs), HIT);
    return await this.#share(pull, () =>
      held === undefined ? this.#fetch(pull, pull.headOnly) : this.#revalidate(pull, tag, held),
    );
  }

  /** One question for all who ask the same at the same time; HEAD and GET are different questions. */
  async #share(pull: ManifestPull, ask: () => Promise<ManifestResult>): Promise<ManifestResult> {
    const key = `${pull.headOnly ? 'HEAD' : 'GET'} ${requestName(pull)}`;
    const { value, started } = await this.#questions.run(key, pull, ask);
    if (started || value.kind !== 'manifest' || value.passage.outcome !== 'miss') return value;
    const { missReason: _, ...passage } = value.passage;
    return { ...value, passage: { ...passage, outcome: 'joined' } };
  }

  async #heldTag(repository: Repository, tag: Tag): Promise<HeldTag | undefined> {
    const record = await this.#deps.store.readTag(repository, tag);
    if (record === undefined) return undefined;
    const manifest = await this.#held.read(repository, record.digest);
    return manifest === undefined ? undefined : { manifest, checkedAtMs: record.checkedAtMs };
  }

  async #revalidate(pull: ManifestPull, tag: Tag, held: HeldTag): Promise<ManifestResult> {
    const { clock } = this.#deps;
    const { repository, reference, passport } = pull;
    const startedMs = clock.monotonic();
    try {
      const upstream = this.#deps.upstreamOf(repository);
      const { digest } = held.manifest;
      const answer = await upstream.headManifest(
        repository.name,
        reference,
        digest,
        passport,
        this.#unending(),
      );
      const upstreamMs = clock.monotonic() - startedMs;
      if (answer.kind === 'refused') return refusal(answer, 'MANIFEST_UNKNOWN', upstreamMs);
      const current = answer.kind === 'unchanged' ? digest : answer.digest;
      const manifest = current === undefined ? undefined : await this.#held.read(repository, current);
      if (manifest === undefined) return await this.#ask(pull, false, 'changed');
      const { ageSeconds } = answer.trail;
      await this.#keepTag(repository, tag, manifest.digest, this.#validatedAtMs(ageSeconds));
      return pulled(manifest, ageSeconds, { outcome: 'revalidated', trail: answer.trail, upstreamMs });
    } catch (error) {
      return (await this.#stale(pull, held, error, startedMs)) ?? this.#failed(error, pull, startedMs);
    }
  }

  /** The held manifest in place of a failing upstream's answer: while it may be, and if its blobs are here. */
  async #stale(
    pull: ManifestPull,
    held: HeldTag,
    error: unknown,
    startedMs: number,
  ): Promise<ManifestResult | undefined> {
    // A refusal of this cache's credentials is an answer, not a failure.
    if (!(error instanceof UpstreamError) || error.kind === 'auth') return undefined;
    const { clock, freshness } = this.#deps;
    const ageMs = clock.now() - held.checkedAtMs;
    if (ageMs > freshness().staleIfErrorMs || !(await this.#held.isComplete(pull.repository, held.manifest)))
      return undefined;
    this.#failed(error, pull, startedMs);
    const upstreamMs = clock.monotonic() - startedMs;
    return pulled(held.manifest, seconds(ageMs), { outcome: 'stale', trail: undefined, upstreamMs });
  }

  async #fetch(pull: ManifestPull, headOnly: boolean): Promise<ManifestResult> {
    const startedMs = this.#deps.clock.monotonic();
    try {
      return await this.#ask(pull, headOnly);
    } catch (error) {
      return this.#failed(error, pull, startedMs);
    }
  }

  /** @throws {UpstreamError} */
  async #ask(pull: ManifestPull, headOnly: boolean, changed?: 'changed'): Promise<ManifestResult> {
    const { clock } = this.#deps;
    const { repository, reference, passport } = pull;
    const { name } = repository;
    const upstream = this.#deps.upstreamOf(repository);
    const startedMs = clock.monotonic();
    if (headOnly) {
      const head = await upstream.headManifest(name, reference, undefined, passport, this.#unending());
      const upstreamMs = clock.monotonic() - startedMs;
      if (head.kind === 'refused') return refusal(head, 'MANIFEST_UNKNOWN', upstreamMs);
      const described = head.kind === 'found' ? describe(head, reference) : undefined;
      // An upstream whose HEAD tells no type, digest or size, or another digest, is asked by GET.
      if (described !== undefined) {
        const passage: Passage = { outcome: 'miss', missReason: 'head', trail: head.trail, upstreamMs };
        const { ageSeconds } = head.trail;
        if (reference.kind === 'tag')
          await this.#named(repository, reference.tag, described.digest, ageSeconds);
        return { kind: 'manifest', manifest: described, bytes: undefined, ageSeconds, passage };
      }
    }
    const answer = await upstream.getManifest(name, reference, passport, this.#unending());
    const upstreamMs = clock.monotonic() - startedMs;
    if (answer.kind === 'refused') return refusal(answer, 'MANIFEST_UNKNOWN', upstreamMs);
    const { trail } = answer;
    const manifest = proveManifest(reference, answer);
    if (!(await this.#keep(repository, reference, manifest, trail.ageSeconds)))
      return pulled(manifest, trail.ageSeconds, { outcome: 'bypass', trail, upstreamMs });
    const missReason = changed ?? this.#deps.removed.take(manifest.digest);
    const passage: Passage = { outcome: 'miss', missReason, trail, upstreamMs, stored: true };
    return pulled(manifest, trail.ageSeconds, passage);
  }

  /** @returns whether it is stored; a store that takes nothing is no reason to fail the client */
  async #keep(
    repository: Repository,
    reference: Reference,
    manifest: HeldManifest,
    ageSeconds: number,
  ): Promise<boolean> {
    const keeping = this.#held.keep(repository, manifest);
    // A tag would point at what is not there.
    if (!(await tellStoreWrite(keeping, manifest.digest, this.#deps.telemetry))) return false;
    if (reference.kind === 'tag') {
      await this.#keepTag(repository, reference.tag, manifest.digest, this.#validatedAtMs(ageSeconds));
    }
    for (const { tag, checkedAtMs } of this.#awaited.take(repository, manifest.digest)) {
      await this.#keepTag(repository, tag, manifest.digest, checkedAtMs);
    }
    return true;
  }

  /** What a tag points at is known by a HEAD: the manifest is held already, or will be asked for by its digest. */
  async #named(repository: Repository, tag: Tag, digest: Digest, ageSeconds: number): Promise<void> {
    const checkedAtMs = this.#validatedAtMs(ageSeconds);
    const held = await this.#held.read(repository, digest);
    if (held === undefined) this.#awaited.note(repository, { tag, checkedAtMs }, digest);
    else await this.#keepTag(repository, tag, digest, checkedAtMs);
  }

  async #keepTag(repository: Repository, tag: Tag, digest: Digest, checkedAtMs: number): Promise<void> {
    const { store, telemetry } = this.#deps;
    this.#awaited.forget(repository, tag);
    await tellStoreWrite(store.writeTag(repository, tag, digest, checkedAtMs), digest, telemetry);
  }

  #validatedAtMs(ageSeconds: number): number {
    return this.#deps.clock.now() - ageSeconds * 1000;
  }

  /** Shared by all who ask: ends by the transport's timeouts, not with one client. */
  #unending(): AbortSignal {
    return new AbortController().signal;
  }

  #failed(error: unknown, pull: ManifestPull, startedMs: number): NotPulled {
    const { clock, telemetry } = this.#deps;
    const upstream = this.#deps.upstreamOf(pull.repository).name;
    const request = `manifest ${requestName(pull)}`;
    return failure(error, { telemetry, upstream, request }, clock.monotonic() - startedMs);
  }
}

function pulled(manifest: HeldManifest, ageSeconds: number, passage: Passage): PulledManifest {
  return { kind: 'manifest', manifest, bytes: manifest.bytes, ageSeconds, passage };
}

function describe(head: FoundManifest, reference: Reference): Omit<HeldManifest, 'bytes'> | undefined {
  const { digest, mediaType, sizeBytes } = head;
  if (digest === undefined || mediaType === undefined || sizeBytes === undefined) return undefined;
  if (reference.kind === 'digest' && digest !== reference.digest) return undefined;
  return { digest, mediaType, sizeBytes };
}

function requestName(pull: ManifestPull): string {
  const separator = pull.reference.kind === 'tag' ? ':' : '@';
  return `${repositoryKey(pull.repository)}${separator}${formatReference(pull.reference)}`;
}

function seconds(milliseconds: number): number {
  return Math.max(0, Math.floor(milliseconds / 1000));
}
