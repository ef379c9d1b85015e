import { UserError } from '../user-error.ts';
import { bench } from './bench.ts';
import { type BenchConfig, type LiveConfig, loadBenchConfig, writtenOptions } from './bench-config.ts';
import type { OwnCommand } from './embedded/daemon.ts';
import { EmbeddedWorld } from './embedded/embedded-world.ts';
import { defaultGeography, Geography, leveledGeography, placeAt } from './embedded/geography.ts';
import { IMAGE_SHAPES, type ImageShape, parseImageShape } from './embedded/image-shape.ts';
import { LiveWorld } from './live/live-world.ts';
import { CLIENT_NAMES, type ClientName, type Habits, HABITS } from './pull/habits.ts';
import { parseRequirement, type Requirement } from './requirement.ts';
import type { BenchResult, BenchSettings } from './result.ts';
import type { Progress } from './run-bench.ts';
import { DIRECT, parseVariants, type Variant } from './variant.ts';

/** What the operator has said. */
export interface BenchWords {
  /** The value of an option, undefined where it is not given. @throws {UserError} where it is given twice */
  readonly text: (name: string) => string | undefined;
  /** All values of an option that may be repeated. */
  readonly list: (name: string) => readonly string[];
  readonly readFile: (path: string) => Promise<string>;
}

/** All that a run needs to know, checked. */
export interface BenchPlan {
  readonly variants: readonly Variant[];
  readonly settings: BenchSettings;
  readonly habits: Habits;
  readonly platform: string;
  readonly requirements: readonly Requirement[];
  readonly place:
    | { readonly kind: 'embedded'; readonly geography: Geography; readonly shape: ImageShape }
    | {
        readonly kind: 'live';
        readonly config: LiveConfig;
        readonly allowPurge: boolean;
        readonly readFile: BenchWords['readFile'];
      };
}

export interface PlanDeps {
  readonly command: OwnCommand;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

const DEFAULTS = { client: 'containerd', rounds: 6, warm: 2, seed: 1, platform: 'linux/amd64' } as const;
const EMBEDDED_DEFAULT = 'asia,china';
/** The word that stands where variants stand. */
const PLAN = 'plan';
const MOST_LEVELS = 6;
const ONLY_EMBEDDED = ['link', 'levels', 'image-shape'];

/**
 * Puts command line and bench.yml together.
 * @throws {UserError} USAGE, CONFIG_INVALID
 */
export async function prepareBench(
  args: Readonly<Record<string, unknown>>,
  words: BenchWords,
): Promise<BenchPlan> {
  const file = words.text('config');
  const config = file === undefined ? undefined : await loadBenchConfig(file, words.readFile);
  const live = config?.live;
  const place =
    live === undefined ? embeddedPlace(config, words) : livePlace(live, args['allow-purge'] === true, words);
  const variants = variantsOf(variantsArgument(args['variants']), config, place, words);
  const client = clientOf(words.text('client') ?? config?.client ?? DEFAULTS.client);
  const habits = HABITS[client];
  const parallelLayers = countOf(words, 'parallel', 1) ?? config?.parallel ?? habits.parallelLayers;
  const settings = {
    client,
    rounds: countOf(words, 'rounds', 1) ?? config?.rounds ?? DEFAULTS.rounds,
    warmPulls: countOf(words, 'warm', 1) ?? config?.warm ?? DEFAULTS.warm,
    concurrency: concurrencyOf(words) ?? config?.concurrency ?? [1],
    parallelLayers,
    seed: countOf(words, 'seed', 0) ?? config?.seed ?? DEFAULTS.seed,
  };
  const names = variants.map(({ name }) => name);
  return {
    variants,
    settings,
    habits,
    platform: platformOf(words.text('platform') ?? config?.platform ?? DEFAULTS.platform),
    requirements: words.list('require').map((text) => parseRequirement(text, names)),
    place,
  };
}

/** Sets everything up, measures, and takes everything down. @throws {UserError} where it cannot be set up */
export async function runPlan(plan: BenchPlan, deps: PlanDeps): Promise<BenchResult> {
  const { variants, settings, habits, platform, place } = plan;
  const { onProgress, signal, version } = deps;
  const say = (what: string): void => onProgress({ done: 0, total: variants.length * settings.rounds, what });
  await using world =
    place.kind === 'embedded'
      ? await new EmbeddedWorld({ ...deps, ...place, variants, seed: settings.seed, onProgress: say }).start()
      : await new LiveWorld({ ...place, variants }).start();
  return await bench({ world, settings, habits, platform, onProgress, signal, version });
}

function embeddedPlace(config: BenchConfig | undefined, words: BenchWords): BenchPlan['place'] {
  const embedded = config?.embedded;
  const levels = words.text('levels');
  let geography =
    levels === undefined
      ? geographyOf(embedded?.hops)
      : leveledGeography(levelsOf(levels).flatMap((count) => sharesOf(count)));
  for (const [name, figures] of Object.entries(embedded?.links ?? {}))
    geography = geography.with(name, figures);
  for (const text of words.list('link')) geography = geography.withLink(text);
  const written = words.text('image-shape');
  const shape = written === undefined ? undefined : parseImageShape(written);
  if (shape !== undefined && !shape.ok) throw wrong('image-shape', shape.problem, written ?? '');
  return {
    kind: 'embedded',
    geography,
    shape: shape?.value ?? embedded?.image ?? IMAGE_SHAPES['default'] ?? { layerBytes: [], platforms: 1 },
  };
}

function geographyOf(hops: readonly string[] | undefined): Geography {
  const usual = defaultGeography();
  if (hops === undefined || hops.join() === usual.hops.join()) return usual;
  const shares = hops.map((_, index) => index / hops.length);
  return new Geography(
    hops,
    leveledGeography(shares).stretches.map(({ figures }) => figures),
  );
}

function livePlace(config: LiveConfig, allowPurge: boolean, words: BenchWords): BenchPlan['place'] {
  const given = ONLY_EMBEDDED.find((name) => words.list(name).length > 0);
  if (given !== undefined) {
    throw new UserError('USAGE', `--${given} has no meaning for real servers`, {
      value: given,
      hint: 'leave it out, or leave `live` out of bench.yml',
    });
  }
  return { kind: 'live', config, allowPurge, readFile: words.readFile };
}

function variantsOf(
  word: string | undefined,
  config: BenchConfig | undefined,
  place: BenchPlan['place'],
  words: BenchWords,
): readonly Variant[] {
  const levels = words.text('levels');
  const hops = place.kind === 'live' ? Object.keys(place.config.hops) : place.geography.hops;
  if (word === PLAN && place.kind === 'live') {
    throw new UserError('USAGE', 'a plan is made on simulated links', {
      value: PLAN,
      hint: 'leave `live` out of bench.yml',
    });
  }
  if (word !== undefined && levels !== undefined) {
    throw new UserError('USAGE', `--levels makes its own variants, and ${word} names others`, {
      value: word,
      hint: 'leave one of them out',
    });
  }
  const variants =
    levels !== undefined
      ? [
          DIRECT,
          ...levelsOf(levels).map((count) => ({
            name: `levels-${count}`,
            hops: sharesOf(count).map(placeAt),
          })),
        ]
      : word === PLAN
        ? sensible(hops)
        : namedVariants(word, config, hops);
  // A chain that leads back towards the client is refused before anything is started.
  if (place.kind === 'embedded') for (const variant of variants) place.geography.way(variant.hops);
  return variants;
}

function namedVariants(
  word: string | undefined,
  config: BenchConfig | undefined,
  hops: readonly string[],
): readonly Variant[] {
  const defined = new Map<string, Variant>();
  for (const [index, hop] of hops.entries()) {
    defined.set(hop, { name: hop, hops: config?.live === undefined ? hops.slice(index) : [hop] });
    defined.set(`${hop}-only`, { name: `${hop}-only`, hops: [hop] });
  }
  for (const [name, variant] of Object.entries(config?.variants ?? {})) {
    const { hops: chain, options } = Array.isArray(variant) ? { hops: variant, options: undefined } : variant;
    defined.set(name, { name, hops: chain, options: writtenOptions(options) });
  }
  const own = Object.keys(config?.variants ?? {});
  const usual = own.length > 0 ? own.join(',') : config === undefined ? EMBEDDED_DEFAULT : hops.join(',');
  if (word === undefined && usual === '') return [DIRECT];
  return parseVariants(word ?? usual, defined, hops);
}

/** Each cache alone, the chains from the client outwards, and the longest one with settings that matter most. */
function sensible(hops: readonly string[]): readonly Variant[] {
  const chains = [
    ...hops.map((_, index) => hops.slice(0, index + 1)),
    ...hops.slice(1).map((hop) => [hop]),
  ].map((chain) => ({ name: chain.join('>'), hops: chain }));
  const whole = { name: hops.join('>'), hops };
  return [
    DIRECT,
    ...chains,
    { ...whole, name: `${whole.name}+tagttl`, options: { tagttl: '1m' } },
    { ...whole, name: `${whole.name}-prefetch`, options: { prefetch: false } },
  ];
}

function levelsOf(text: string): readonly number[] {
  const [, from, to] = /^(\d)(?:\.\.(\d))?$/.exec(text.trim()) ?? [];
  const [first, last] = [Number(from), Number(to ?? from)];
  if (!(first >= 1 && last >= first && last <= MOST_LEVELS)) {
    throw wrong(
      'levels',
      `${text} is no number of levels; write one from 1 to ${MOST_LEVELS}, or several as in 1..4`,
      text,
    );
  }
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function sharesOf(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index / count);
}

function clientOf(text: string): ClientName {
  const client = CLIENT_NAMES.find((name) => name === text);
  if (client === undefined)
    throw wrong('client', `${text} is unknown; there are ${CLIENT_NAMES.join(', ')}`, text);
  return client;
}

function platformOf(text: string): string {
  if (!/^[a-z0-9]+\/[a-z0-9]+(?:\/[a-z0-9]+)?$/.test(text)) {
    throw wrong('platform', `${text} is no platform; write one such as linux/amd64`, text);
  }
  return text;
}

function concurrencyOf(words: BenchWords): readonly number[] | undefined {
  const text = words.text('concurrency');
  const clients = countOf(words, 'clients', 1);
  if (text === undefined) return clients === undefined ? undefined : [clients];
  if (clients !== undefined) {
    throw new UserError('USAGE', '--clients and --concurrency both say how many pull at once', {
      hint: 'leave one out',
    });
  }
  return text.split(',').map((part) => whole(part, 'concurrency', 1));
}

function countOf(words: BenchWords, name: string, least: number): number | undefined {
  const text = words.text(name);
  return text === undefined ? undefined : whole(text, name, least);
}

function whole(text: string, name: string, least: number): number {
  if (!/^\d{1,6}$/.test(text.trim()) || Number(text) < least) {
    throw wrong(name, `${text} is no whole number of at least ${least}`, text);
  }
  return Number(text);
}

function wrong(option: string, message: string, value: string): UserError {
  return new UserError('USAGE', `--${option}: ${message}`, { value, hint: 'see regcache bench --help' });
}

/** yargs makes a number of a word that looks like one. */
function variantsArgument(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
