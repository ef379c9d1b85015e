import type { PlannedFile } from './client.ts';

/** Files for clients' machines, and what else there is to do there. */
export interface Printable {
  readonly files: readonly PlannedFile[];
  readonly notes: readonly { readonly client: string; readonly text: string }[];
}

/** The files as text: each behind a comment with its path, and at the end what else there is to do. */
export function printFiles({ files, notes }: Printable): string {
  const parts = files.map(({ path, content }) => `# ${path}\n${content}`);
  return [...parts, printNotes(notes)].filter((part) => part !== '').join('\n');
}

/** What else there is to do, a comment for each client. */
export function printNotes(notes: Printable['notes']): string {
  return notes.map(({ client, text }) => `${`${client}: ${text}`.replaceAll(/^/gm, '# ')}\n`).join('');
}
