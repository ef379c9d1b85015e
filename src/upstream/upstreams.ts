import type { Namespace, Repository } from '../oci/namespace.ts';
import {
  type OpenUpstream,
  openUpstream,
  type UpstreamDeps,
  type UpstreamSettings,
} from './open-upstream.ts';
import type { Upstream } from './upstream.ts';
import type { WayState } from './way.ts';

/** The ways up, one for each namespace; they can be exchanged while requests run. */
export class Upstreams {
  readonly #deps: UpstreamDeps;
  #open: ReadonlyMap<Namespace, OpenUpstream>;

  private constructor(open: ReadonlyMap<Namespace, OpenUpstream>, deps: UpstreamDeps) {
    this.#open = open;
    this.#deps = deps;
  }

  /** @throws {UserError} where a certificate or key file cannot be used */
  static async open(settings: readonly UpstreamSettings[], deps: UpstreamDeps): Promise<Upstreams> {
    return new Upstreams(await openAll(settings, deps), deps);
  }

  /** The upstream of a repository's namespace; the edge lets no other namespace through. */
  readonly of = ({ namespace }: Pick<Repository, 'namespace'>): Upstream => {
    const open = this.#open.get(namespace);
    if (open === undefined) throw new Error(`no upstream is configured for ${namespace}`);
    return open.upstream;
  };

  /** How each hop is doing, in the order of the configuration. */
  get states(): readonly WayState[] {
    return Array.from(this.#open.values(), ({ upstream }) => upstream.ways).flat();
  }

  /**
   * Uses other settings from now on. An answer that runs on an old connection ends there; what is asked after it,
   * such as the rest of a blob that was cut, is asked the new way.
   * @throws {UserError} and changes nothing
   */
  async replace(settings: readonly UpstreamSettings[]): Promise<void> {
    const opened = await openAll(settings, this.#deps);
    const old = this.#open;
    this.#open = new Map(
      Array.from(opened, ([namespace, open]) => {
        const upstream = old.get(namespace)?.upstream ?? open.upstream;
        upstream.become(open.upstream);
        return [namespace, { ...open, upstream }];
      }),
    );
    for (const open of old.values()) void open.retire();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#open.values(), async (open) => open[Symbol.asyncDispose]()));
  }
}

async function openAll(
  settings: readonly UpstreamSettings[],
  deps: UpstreamDeps,
): Promise<ReadonlyMap<Namespace, OpenUpstream>> {
  const entries = await Promise.all(
    settings.map(async (each) => [each.namespace, await openUpstream(each, deps)] as const),
  );
  return new Map(entries);
}
