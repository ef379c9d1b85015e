import { mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Gives a finished file its final name and makes that name durable: the folder is made where it is missing,
 * the file renamed, and every folder that got a new entry is synced.
 * @param onPlaced called as soon as the name is there
 */
export async function placeFile(
  from: string,
  to: string,
  onPlaced: () => void = () => undefined,
): Promise<void> {
  const folder = dirname(to);
  const firstMade = await mkdir(folder, { recursive: true });
  await rename(from, to);
  onPlaced();
  await syncFolder(folder);
  if (firstMade === undefined) return;
  for (let made = folder; made !== dirname(firstMade);) {
    made = dirname(made);
    await syncFolder(made);
  }
}

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r');
  await handle.sync();
}
