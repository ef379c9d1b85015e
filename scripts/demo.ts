import { startChainOverOrigin } from '../fixtures/chain-over-origin.ts';
import { seedImage } from '../src/bench/image/seeded-image.ts';
import { pullImage } from './demo-pull.ts';
import { pullTable } from './demo-table.ts';

const REPOSITORY = 'demo/app';
const TAG = 'v1';
const MB = 1_000_000;
const LAYER_BYTES = [28 * MB, 16 * MB, 10 * MB, 5 * MB, 1 * MB];
/** As from far away: on one machine a cold pull would look like a warm one. */
const ORIGIN_BYTES_PER_SECOND = 25 * MB;

/** One cold and one warm pull through china → asia → origin, all on this machine. */
async function demo(signal: AbortSignal): Promise<void> {
  console.log('regcache demo: a client pulls from china, china from asia, asia from the origin.\n');
  await using running = await startChainOverOrigin();
  const { origin, chain } = running;
  const image = await seedImage({ seed: 'regcache demo', layerBytes: LAYER_BYTES });
  origin.addImage(REPOSITORY, TAG, image);
  for (const blob of image.blobs) origin.shape(blob.digest, { bytesPerSecond: ORIGIN_BYTES_PER_SECOND });
  console.log(
    `  origin  ${origin.url}  embedded in this demo, sends ${ORIGIN_BYTES_PER_SECOND / MB} MB a second`,
  );
  console.log(`  asia    ${chain.asia.url}  regcache serve --config fixtures/asia.yml`);
  console.log(`  china   ${chain.china.url}  regcache serve --config fixtures/china.yml`);
  console.log(`  image   ${REPOSITORY}:${TAG}, ${LAYER_BYTES.length} layers\n`);
  for (const kind of ['cold', 'warm']) {
    const before = origin.requests.length;
    const objects = await pullImage((path, how) => running.ask(path, { ...how, signal }), REPOSITORY, TAG);
    const asked = origin.requests.slice(before);
    const downloads = asked.filter(({ method, path }) => method === 'GET' && path.includes('/blobs/')).length;
    const title = kind === 'cold' ? 'Cold: nobody has anything' : 'Warm: a second client, which has nothing';
    console.log(pullTable(title, objects));
    console.log(`  The origin was asked ${times(asked.length)}; it sent ${downloads} blobs.\n`);
  }
  console.log(
    'Every digest is right. Times are of this machine, over the embedded origin, not of a real registry.',
  );
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

const interrupted = new AbortController();
process.once('SIGINT', () => {
  interrupted.abort(new Error('interrupted'));
});
try {
  await demo(interrupted.signal);
} catch (error) {
  console.error(`The demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
