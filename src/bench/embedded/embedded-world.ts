import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import {
  type CertificateAuthority,
  type CertificateFiles,
  makeCertificateAuthority,
  writeCertificate,
} from '../../certs/certificate-authority.ts';
import { UserError } from '../../user-error.ts';
import { seedImage } from '../image/seeded-image.ts';
import { type Link, startLink } from '../link/link.ts';
import { HABITS } from '../pull/habits.ts';
import { type ImageName, pullImage } from '../pull/pull-image.ts';
import type { ImageReport, LinkReport } from '../result.ts';
import type { Variant } from '../variant.ts';
import type { Way, World } from '../world.ts';
import { type Daemon, type OwnCommand, startDaemon } from './daemon.ts';
import { type Geography, ORIGIN, type Stretch } from './geography.ts';
import type { ImageShape } from './image-shape.ts';
import { measureLinks } from './measure-link.ts';
import { BenchOrigin, type OriginDoor } from './origin.ts';

export interface EmbeddedOptions {
  readonly variants: readonly Variant[];
  readonly geography: Geography;
  readonly shape: ImageShape;
  readonly seed: number;
  readonly command: OwnCommand;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onProgress: (what: string) => void;
  readonly signal: AbortSignal;
}

const PLATFORMS = ['amd64', 'arm64'];
const WARM_UP = { repository: 'bench/warm-up', reference: 'v1' };
const WARM_UP_BYTES = 64 * 1024;

/** An origin, caches in processes of their own with TLS, and links between them, all on this machine. */
export class EmbeddedWorld implements World {
  readonly mode = 'embedded';
  readonly variants: readonly Variant[];
  links: readonly LinkReport[] = [];
  images: readonly ImageReport[] = [];
  readonly #options: EmbeddedOptions;
  readonly #ways = new Map<string, Way>();
  readonly #open = new AsyncDisposableStack();
  #origin: BenchOrigin | undefined;
  #held: ImageName | undefined;

  constructor(options: EmbeddedOptions) {
    this.#options = options;
    this.variants = options.variants;
  }

  /** Starts everything, or nothing. @throws {UserError} DAEMON_FAILED */
  async start(): Promise<this> {
    try {
      return await this.#start();
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #start(): Promise<this> {
    const { variants, geography, onProgress, signal } = this.#options;
    const folder = await mkdtemp(join(tmpdir(), 'regcache-bench-'));
    this.#open.defer(async () => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
    const authority = await makeCertificateAuthority('regcache bench');
    const caFile = await authority.write(folder, 'ca');
    const certificateFiles = await writeCertificate(folder, 'server', await authority.issue());
    const origin = this.#open.use(new BenchOrigin(await authority.issue()));
    this.#origin = origin;
    origin.hold(
      WARM_UP.repository,
      WARM_UP.reference,
      await seedImage({ seed: 'warm-up', layerBytes: [WARM_UP_BYTES] }),
    );
    onProgress('measuring the links');
    const stretches = new Map<string, Stretch>();
    for (const variant of variants) {
      for (const stretch of geography.way(variant.hops)) stretches.set(stretch.name, stretch);
    }
    this.links = await measureLinks([...stretches.values()], signal);
    onProgress('starting the caches');
    const parts = { folder, authority, caFile, certificateFiles, origin };
    await Promise.all(
      variants.map(async (variant) => {
        const chain = this.#open.use(new Chain(this.#options, parts));
        this.#ways.set(variant.name, await chain.start(variant, geography.way(variant.hops)));
      }),
    );
    return this;
  }

  way({ name }: Variant): Way {
    return this.#ways.get(name) ?? { kind: 'closed', problem: 'it was never started' };
  }

  async image(round: number, concurrency: number): Promise<ImageName> {
    const { seed, shape } = this.#options;
    const name = { repository: `bench/app-${concurrency}-${round}`, reference: 'v1' };
    const image = await seedImage({
      seed: `${seed}/${concurrency}/${round}`,
      layerBytes: shape.layerBytes,
      architectures: PLATFORMS.slice(0, shape.platforms),
    });
    if (this.#held !== undefined) this.#origin?.drop(this.#held.repository);
    this.#held = name;
    this.#origin?.hold(name.repository, name.reference, image);
    if (this.images.length === 0) {
      const layers = image.blobs.slice(1, 1 + shape.layerBytes.length).map(({ sizeBytes }) => sizeBytes);
      const own = [image.blobs[0], image.manifests[0]?.content].map((content) => content?.sizeBytes ?? 0);
      this.images = [
        {
          reference: 'seeded anew for each round',
          layerBytes: layers,
          totalBytes: [...layers, ...own].reduce((sum, size) => sum + size, 0),
          platforms: shape.platforms,
        },
      ];
    }
    return name;
  }

  /** Each round has an image of its own. */
  async beforeCold(): Promise<void> {
    await Promise.resolve();
  }

  isFresh(): boolean {
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open.disposeAsync();
  }
}

interface ChainParts {
  readonly folder: string;
  readonly authority: CertificateAuthority;
  readonly caFile: string;
  readonly certificateFiles: CertificateFiles;
  readonly origin: BenchOrigin;
}

/** The servers and links of one variant: no other one shares its caches. */
class Chain implements AsyncDisposable {
  readonly #options: EmbeddedOptions;
  readonly #parts: ChainParts;
  readonly #open = new AsyncDisposableStack();

  constructor(options: EmbeddedOptions, parts: ChainParts) {
    this.#options = options;
    this.#parts = parts;
  }

  async start(variant: Variant, stretches: readonly Stretch[]): Promise<Way> {
    const door = await this.#parts.origin.open();
    const links = stretches.toReversed();
    let link = await this.#link(links[0], door.port);
    const originUrl = link.url('https');
    const daemons: Daemon[] = [];
    for (const [index, name] of variant.hops.toReversed().entries()) {
      const upstreamUrl = index === 0 ? undefined : link.url('https');
      const daemon = this.#open.use(await this.#daemon(variant, name, originUrl, upstreamUrl));
      daemons.unshift(daemon);
      link = await this.#link(links[index + 1], daemon.port);
    }
    return wayThrough(link, createSecureContext({ ca: this.#parts.authority.certificatePem }), daemons, door);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open.disposeAsync();
  }

  async #link(stretch: Stretch | undefined, port: number): Promise<Link> {
    if (stretch === undefined) throw new Error('a stretch is missing');
    const { seed } = this.#options;
    return this.#open.use(await startLink({ to: { host: '127.0.0.1', port }, ...stretch.figures, seed }));
  }

  async #daemon(
    variant: Variant,
    name: string,
    originUrl: string,
    upstreamUrl: string | undefined,
  ): Promise<Daemon> {
    const { command, env, signal } = this.#options;
    const { folder, caFile, certificateFiles } = this.#parts;
    return await startDaemon({
      command,
      env,
      folder: join(folder, variant.name.replaceAll('>', '+'), name),
      name,
      certificateFiles,
      caFile,
      originUrl,
      upstreamUrl,
      options: variant.options ?? {},
      signal,
    });
  }
}

function wayThrough(link: Link, trust: SecureContext, daemons: readonly Daemon[], door: OriginDoor): Way {
  const endpoint = { url: new URL(link.url('https')), trust, authorizer: undefined, namespace: undefined };
  return {
    kind: 'open',
    endpoint,
    traffic: () => [
      ...daemons.map(({ name, requests, bytes }) => ({ server: name, requests, bytes })),
      { server: ORIGIN, requests: door.requests, bytes: door.bytes },
    ],
    warmUp: async (signal) => {
      const options = {
        endpoint,
        image: WARM_UP,
        habits: HABITS.containerd,
        platform: 'linux/amd64',
        signal,
      };
      const { error } = await pullImage(options);
      if (error !== undefined) throw new UserError('WARM_UP_FAILED', error, { exitCode: 1 });
    },
  };
}
