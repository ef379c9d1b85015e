import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleProgram, ROOT } from './bundle.ts';
import { singleFile } from './single-file.ts';

const OUT = join(ROOT, 'dist', 'regcache.mjs');

/** Bundles the program into one executable file, which appears at once or not at all. */
async function build(): Promise<string> {
  const program = await bundleProgram();
  await mkdir(join(ROOT, 'dist'), { recursive: true });
  await replaceFile(`${OUT}.LEGAL.txt`, program.legal, 0o644);
  await replaceFile(OUT, singleFile(program), 0o755);
  return OUT;
}

async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, text);
    await chmod(temporary, mode);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

console.log(`built ${await build()}`);
