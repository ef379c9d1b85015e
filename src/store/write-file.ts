import { open, rm } from 'node:fs/promises';
import { placeFile } from './place-file.ts';

/**
 * Writes a small file under a temporary name and gives it its final name; a reader sees the old bytes or the new ones.
 * @param sync `bytes`: so it is after a power failure too; `name`: then the file may turn out empty, which is
 * enough for a link, whose reader checks it
 */
export async function writeFile(
  temp: string,
  final: string,
  bytes: Buffer | string,
  sync: 'bytes' | 'name',
): Promise<void> {
  try {
    await writeTemp(temp, bytes, sync);
    await placeFile(temp, final);
  } catch (error) {
    await rm(temp, { force: true }).catch(() => undefined);
    throw error;
  }
}

async function writeTemp(temp: string, bytes: Buffer | string, sync: 'bytes' | 'name'): Promise<void> {
  await using handle = await open(temp, 'wx');
  await handle.writeFile(bytes);
  if (sync === 'bytes') await handle.sync();
}
