import { didYouMean } from '../../config/suggestion.ts';
import { UserError } from '../../user-error.ts';
import { inARow, type LinkFigures, parseLinkFigures } from './link-figures.ts';

/** A stretch of the way, as one link. */
export interface Stretch {
  readonly name: string;
  readonly figures: LinkFigures;
}

const CLIENT = 'client';
export const ORIGIN = 'origin';

/** Where everything lies: on one line from the client to the origin. */
export class Geography {
  /** Client and origin included. */
  readonly places: readonly string[];
  readonly #links: readonly LinkFigures[];

  /** @param links one between each two neighbours, from the client on */
  constructor(hops: readonly string[], links: readonly LinkFigures[]) {
    this.places = [CLIENT, ...hops, ORIGIN];
    this.#links = links;
  }

  get hops(): readonly string[] {
    return this.places.slice(1, -1);
  }

  /** The links between neighbours. */
  get stretches(): readonly Stretch[] {
    return this.#links.map((figures, index) => ({
      name: `${this.places[index]}-${this.places[index + 1]}`,
      figures,
    }));
  }

  /**
   * The links that lie between two places add up.
   * @throws {UserError} USAGE where it would lead back towards the client
   */
  stretch(from: string, to: string): Stretch {
    const [start, end] = [this.places.indexOf(from), this.places.indexOf(to)];
    if (start < 0 || end < 0 || start >= end) {
      throw new UserError('USAGE', `the way from ${from} to ${to} leads back towards the client`, {
        value: `${from}>${to}`,
        hint: `from the client to the origin, the places are ${this.places.join(', ')}`,
      });
    }
    return { name: `${from}-${to}`, figures: inARow(this.#links.slice(start, end)) };
  }

  /**
   * The links on the way through these caches, from the client on.
   * @throws {UserError} USAGE where it would lead back towards the client
   */
  way(hops: readonly string[]): readonly Stretch[] {
    const places = [CLIENT, ...hops, ORIGIN];
    return places.slice(1).map((place, index) => this.stretch(places[index] ?? CLIENT, place));
  }

  /**
   * A copy in which one link has other figures: `asia-origin=rtt:150ms,rate:100mbit,loss:0.5%`.
   * @throws {UserError} USAGE
   */
  withLink(text: string): Geography {
    const [name = '', ...rest] = text.split('=');
    const figures = parseLinkFigures(rest.join('='));
    if (!figures.ok) {
      throw new UserError('USAGE', `--link ${name}: ${figures.problem}`, {
        value: text,
        hint: 'as in asia-origin=rtt:150ms,rate:100mbit,loss:0.5%',
      });
    }
    return this.with(name.trim(), figures.value);
  }

  /** @throws {UserError} USAGE where there is no such link */
  with(name: string, figures: Partial<LinkFigures>): Geography {
    const names = this.stretches.map((stretch) => stretch.name);
    const index = names.indexOf(name);
    if (index < 0) {
      throw new UserError('USAGE', `there is no link ${name}`, {
        value: name,
        hint: `${didYouMean(name, names).replace(/^; /, '')} links here: ${names.join(', ')}`.trim(),
      });
    }
    const links = this.#links.map((link, at) => (at === index ? { ...link, ...figures } : link));
    return new Geography(this.hops, links);
  }
}

const RATE = 200e6;
const LOSS = 1e-4;
const LOCAL: LinkFigures = { roundTripMs: 5, rateBitsPerSecond: RATE, lossRatio: LOSS, jitterMs: 0 };
const FAR_MS = 230;
const FAR_LOSS = 2 * LOSS;

/** A client in China, a cache beside it, one in Asia, and an origin overseas. */
export function defaultGeography(): Geography {
  return new Geography(
    ['china', 'asia'],
    [LOCAL, { ...LOCAL, roundTripMs: 80 }, { ...LOCAL, roundTripMs: 150 }],
  );
}

/** Caches at shares of the same way: `at0` beside the client, `at50` half way. */
export function leveledGeography(shares: readonly number[]): Geography {
  const sorted = [...new Set(shares)].toSorted((one, other) => one - other);
  const lengths = sorted.map((share, index) => (sorted[index + 1] ?? 1) - share);
  return new Geography(sorted.map(placeAt), [
    LOCAL,
    ...lengths.map((length) => ({ ...LOCAL, roundTripMs: FAR_MS * length, lossRatio: FAR_LOSS * length })),
  ]);
}

/** The name of a place at a share of the way. */
export function placeAt(share: number): string {
  return `at${Math.round(share * 100)}`;
}
