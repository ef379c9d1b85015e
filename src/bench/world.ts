import type { ImageName } from './pull/pull-image.ts';
import type { Endpoint } from './pull/session.ts';
import type { ImageReport, LinkReport, ServerTraffic } from './result.ts';
import type { Variant } from './variant.ts';

/** What is pulled through: made for the bench, or somebody's own. */
export interface World extends AsyncDisposable {
  readonly mode: 'embedded' | 'live';
  readonly variants: readonly Variant[];
  readonly links: readonly LinkReport[];
  readonly images: readonly ImageReport[];
  /** The way of a variant, or why there is none. */
  way(variant: Variant): Way;
  /** The image of a round, the same for all variants; not pulled before, as far as this world can see to it. */
  image(round: number, concurrency: number): Promise<ImageName>;
  /** Makes the caches of a variant forget, where the operator allows it. */
  beforeCold(variant: Variant, signal: AbortSignal): Promise<void>;
  /** Whether a pull can be the first one of this image through these caches; asked once before each. */
  isFresh(variant: Variant, image: ImageName): boolean;
}

export type Way =
  | {
      readonly kind: 'open';
      readonly endpoint: Endpoint;
      /** What its servers were asked for and sent so far, outermost first; empty where nobody knows. */
      readonly traffic: () => readonly ServerTraffic[];
      /** Opens connections and warms code up, without an image that is measured. */
      readonly warmUp: (signal: AbortSignal) => Promise<void>;
    }
  | { readonly kind: 'closed'; readonly problem: string };
