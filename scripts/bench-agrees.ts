/**
 * What `regcache bench --client skopeo` says of a pull, beside skopeo itself over the same links, timed from outside, in
 * turn. Needs skopeo. `npm run bench:agrees`
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedWorld } from '../src/bench/embedded/embedded-world.ts';
import { defaultGeography } from '../src/bench/embedded/geography.ts';
import { HABITS } from '../src/bench/pull/habits.ts';
import { pullImage } from '../src/bench/pull/pull-image.ts';
import { median } from '../src/bench/statistics/summary.ts';
import type { Variant } from '../src/bench/variant.ts';
import { PROGRAM } from '../fixtures/program.ts';
import { mustRun } from '../fixtures/run-program.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';

const ROUNDS = 5;
const MEBIBYTE = 1024 * 1024;
const VARIANTS: readonly Variant[] = [
  { name: 'direct', hops: [] },
  { name: 'asia', hops: ['asia'] },
  { name: 'china', hops: ['china', 'asia'] },
];
const { signal } = new AbortController();

await using folder = await tempFolder('agrees');
await using world = await new EmbeddedWorld({
  variants: VARIANTS,
  geography: defaultGeography(),
  shape: { layerBytes: [2, 1, 1, 0.5, 0.25, 0.1].map((size) => size * MEBIBYTE), platforms: 2 },
  seed: 1,
  command: PROGRAM,
  env: process.env,
  onProgress: () => undefined,
  signal,
}).start();

console.log(`${ROUNDS} rounds, warm pulls`);
for (const variant of VARIANTS) {
  const way = world.way(variant);
  if (way.kind === 'closed') throw new Error(way.problem);
  await way.warmUp(signal);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const image = await world.image(round, 1);
    const into = join(folder.path, 'pulled');
    const from = `docker://${way.endpoint.url.host}/${image.repository}:${image.reference}`;
    const options = { endpoint: way.endpoint, image, habits: HABITS.skopeo, platform: 'linux/amd64', signal };
    // The first one is cold.
    await pullImage(options);
    const { imageMs, error } = await pullImage(options);
    if (error !== undefined) throw new Error(error);
    ours.push(imageMs);
    const startedMs = performance.now();
    await mustRun('skopeo', ['copy', '--src-tls-verify=false', from, `oci:${into}:v1`]);
    theirs.push(performance.now() - startedMs);
    await rm(into, { recursive: true });
  }
  const [bench, skopeo] = [median(ours), median(theirs)];
  console.log(
    `  ${variant.name.padEnd(8)} bench ${bench.toFixed(0)} ms, skopeo ${skopeo.toFixed(0)} ms: ${(bench / skopeo).toFixed(3)} of it (0.9 to 1.1 wanted)`,
  );
}
