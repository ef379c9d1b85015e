import { type ConfigNode, type ConfigPath, findNodes } from './config-node.ts';
import { quoteValue } from './parsed.ts';
import type { Problem } from './problem.ts';

export type ReadFile = (path: string) => Promise<string>;

const OPTIONS = 'middleware.registry[].options';
const FILES = [
  'http.tls.certificate',
  'http.tls.key',
  'http.tls.clientcas[]',
  `${OPTIONS}.cas[]`,
  ...[`${OPTIONS}.upstreams[]`, `${OPTIONS}.upstreams[].upstreamhosts[]`].flatMap((place) => [
    `${place}.certificate`,
    `${place}.key`,
    `${place}.passwordfile`,
    `${place}.cas[]`,
  ]),
];

const NO_FILE = 'no such file';

/** What is in the files that a configuration names, by path; and what is wrong with those that cannot be read. */
export interface ConfiguredFiles {
  readonly contents: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

/** Reads every file that a configuration names, so that a missing one shows now and not at the first pull. */
export async function readConfiguredFiles(root: ConfigNode, readFile: ReadFile): Promise<ConfiguredFiles> {
  const contents = new Map<string, string>();
  const problems: Problem[] = [];
  for (const { path, node } of FILES.flatMap((pattern) => findNodes(root, pattern))) {
    if (node.kind !== 'scalar' || node.value === null || node.text === '') continue;
    const isPassword = path.at(-1) === 'passwordfile';
    try {
      const content = contents.get(node.text) ?? (await readFile(node.text));
      contents.set(node.text, content);
      if (isPassword && passwordOf(content) === '') {
        problems.push({ path, message: `${quoteValue(node.text)} is empty; write the password into it` });
      }
    } catch (error) {
      problems.push({
        path,
        message: `${quoteValue(node.text)} cannot be read (${reason(error)}); ${wayOut(path, node.text, error)}`,
      });
    }
  }
  return { contents, problems };
}

function wayOut(path: ConfigPath, file: string, error: unknown): string {
  if (path.includes('cas') && reason(error) === NO_FILE) {
    return `check the path, or assemble it: regcache certs bundle --config config.yml --out ${file}`;
  }
  return 'check the path and its permissions';
}

/** A password file's password: its text without the line end that editors put there. */
export function passwordOf(content: string): string {
  return content.replace(/\r?\n$/, '');
}

/** Why a file could not be read, in a few words. */
export function reason(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return NO_FILE;
  if (code === 'EACCES' || code === 'EPERM') return 'no permission';
  if (code === 'EISDIR') return 'it is a folder';
  return typeof code === 'string' ? code : 'unknown reason';
}
