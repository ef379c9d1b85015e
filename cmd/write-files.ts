import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { PlannedFile } from '../src/clients/client.ts';
import { reason } from '../src/config/configured-files.ts';
import { UserError } from '../src/user-error.ts';

/**
 * Writes files below a folder, all or none.
 * @returns a line for each
 * @throws {UserError} FILE_EXISTS where one is there that differs, and nothing is to be replaced
 */
export async function writeFiles(
  into: string,
  files: readonly PlannedFile[],
  force: boolean,
): Promise<string> {
  const targets = await Promise.all(
    files.map(async ({ path: name, content }) => {
      const target = path.join(into, name);
      return { target, content, present: await presentText(target) };
    }),
  );
  const differing = targets.filter(({ content, present }) => present !== undefined && present !== content);
  if (differing.length > 0 && !force) {
    const names = differing.map(({ target }) => target).join(', ');
    throw new UserError('FILE_EXISTS', `nothing was written: there already, and different: ${names}`, {
      value: names,
      hint: 'merge them by hand (leave out --into to see the new ones), or replace them with --force',
    });
  }
  let written = '';
  for (const { target, content, present } of targets) {
    if (present !== content) {
      await mkdir(path.dirname(target), { recursive: true });
      await writeFile(target, content);
    }
    written += `${present === content ? 'unchanged' : 'wrote'} ${target}\n`;
  }
  return written;
}

async function presentText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (reason(error) === 'no such file') return undefined;
    throw new UserError('FILE_UNREADABLE', `${file} cannot be read (${reason(error)})`, {
      value: file,
      hint: 'check what --into names',
      cause: error,
    });
  }
}
