import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type HopOptions, hopRoot, startHop } from '../fixtures/chain.ts';
import { makeCertificateAuthority } from '../src/certs/certificate-authority.ts';
import { ask } from '../fixtures/client.ts';
import { seededContent } from '../src/bench/image/content.ts';
import { startEmbeddedOrigin } from '../fixtures/embedded-origin.ts';
import { seededRandom } from '../fixtures/seeded-random.ts';
import { readStoreTree } from '../fixtures/store-tree.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';

const KILLS = 20;
const BLOB_BYTES = 16 * 1024 * 1024;
const BYTES_PER_SECOND = 20 * 1024 * 1024;
/** A little longer than a fill, so that some kills meet its end. */
const KILL_WITHIN_MS = 1000;

test('kill -9 at 20 random moments of a fill leaves nothing wrong behind, and the next pull succeeds', async () => {
  const seed = process.env['REGCACHE_SEED'] ?? String(randomInt(2 ** 31));
  console.log(`serve-crash: REGCACHE_SEED=${seed}`);
  const random = seededRandom(Number(seed));
  await using folder = await tempFolder('crash');
  const authority = await makeCertificateAuthority();
  await using origin = await startEmbeddedOrigin({ tls: await authority.issue() });
  const ca = authority.certificatePem;
  const hop: HopOptions = {
    name: 'asia',
    folder: folder.path,
    authority,
    originUrl: origin.url,
    cas: [await authority.write(folder.path, 'ca')],
  };
  const pulled = new Set<string>();
  for (let round = 1; round <= KILLS; round += 1) {
    const blob = seededContent(`crash ${round}`, BLOB_BYTES);
    const path = origin.addBlob('lib/app', blob);
    origin.shape(blob.digest, (before) => (before === 0 ? { bytesPerSecond: BYTES_PER_SECOND } : {}));
    const killAfterMs = Math.floor(random() * KILL_WITHIN_MS);
    const told = `round ${round}, killed ${killAfterMs} ms after the request`;
    {
      await using regcache = await startHop(hop);
      const pull = ask(`${regcache.url}${path}`, { ca }).then((answer) => answer.drain());
      pull.catch(() => undefined);
      await sleep(killAfterMs);
      await regcache.kill();
      await pull.catch(() => undefined);
    }
    await using regcache = await startHop(hop);
    const restarted = await readStoreTree(hopRoot(hop), (digest) => !pulled.has(digest));
    expect({ told, wrong: restarted.wrong }).toEqual({ told, wrong: [] });
    const answer = await ask(`${regcache.url}${path}`, { ca });
    expect({ told, ...(await answer.digest()) }).toMatchObject({
      told,
      digest: blob.digest,
      sizeBytes: BLOB_BYTES,
    });
    await expect
      .poll(async () => (await readStoreTree(hopRoot(hop), () => false)).temporary, {
        timeout: 60_000,
        message: told,
      })
      .toEqual([]);
    pulled.add(blob.digest);
  }
  const tree = await readStoreTree(hopRoot(hop));
  expect(tree.wrong).toEqual([]);
  expect(new Set(tree.digests)).toEqual(pulled);
});
