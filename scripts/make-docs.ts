import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { cliReference } from './cli-reference.ts';
import { configReference } from './config-reference.ts';
import { manualPage } from './manual-page.ts';

const ROOT = join(import.meta.dirname, '..');

/** A page that is made, not written. */
export interface MadePage {
  /** From the project's root. */
  readonly file: string;
  readonly text: string;
}

/** All pages that are made from the program's own data, as they ought to be. */
export async function madePages(): Promise<readonly MadePage[]> {
  return [
    await markdown('docs/cli.md', cliReference()),
    await markdown('docs/config-reference.md', configReference()),
    { file: 'docs/regcache.1', text: manualPage() },
  ];
}

async function markdown(file: string, text: string): Promise<MadePage> {
  const filepath = join(ROOT, file);
  return { file, text: await format(text, { ...(await resolveConfig(filepath)), filepath }) };
}

if (import.meta.main) {
  for (const { file, text } of await madePages()) {
    const before = await readFile(join(ROOT, file), 'utf8').catch(() => undefined);
    await writeFile(join(ROOT, file), text);
    console.log(`${before === text ? 'unchanged' : 'wrote'} ${file}`);
  }
}
