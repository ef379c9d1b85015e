import { open } from 'node:fs/promises';

/** What Debian calls a machine, by its number in ELF. */
const ARCHITECTURES: ReadonlyMap<number, string> = new Map([
  [0x3e, 'amd64'],
  [0xb7, 'arm64'],
]);

/**
 * The machine that a program is for, as Debian calls it; read from its header, see elf(5).
 * @throws where it is missing, or no program for Linux
 */
export async function readProgramArchitecture(path: string): Promise<string> {
  await using file = await open(path).catch((error: unknown) => {
    throw new Error(`${path} cannot be read: build it first, with \`npm run package\``, { cause: error });
  });
  const header = Buffer.alloc(20);
  await file.read(header, 0, header.length, 0);
  const isElf = header.toString('latin1', 0, 4) === '\u007FELF';
  const architecture = isElf ? ARCHITECTURES.get(header.readUInt16LE(18)) : undefined;
  if (architecture === undefined) throw new Error(`${path} is no program for Linux on x64 or arm64`);
  return architecture;
}
