import { readFile } from 'node:fs/promises';

const TICKS_PER_SECOND = 100;

/** User and system time that a process spent on some work, in seconds; other processes do not count. */
export async function cpuSeconds(pid: number, work: () => Promise<void>): Promise<number> {
  const before = await ticks(pid);
  await work();
  return ((await ticks(pid)) - before) / TICKS_PER_SECOND;
}

async function ticks(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}
