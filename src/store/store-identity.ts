import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Namespace, readNamespace } from '../oci/namespace.ts';
import { UserError } from '../user-error.ts';
import { errnoOf } from './errno.ts';
import type { Layout } from './layout.ts';
import { writeFile } from './write-file.ts';

/** Goes up when an older program could no longer read what lies here. */
const VERSION = 1;

/** What a store remembers of itself, whatever the configuration says later. */
export interface StoreIdentity {
  /** 32 hexadecimal digits, random; tells a loop of hops from two hops of one name. */
  readonly id: string;
  /** Whose repositories lie at their plain names. */
  readonly plainNamespace: Namespace;
}

/**
 * Reads who a store is, or makes it someone, with the layout's plain namespace.
 * @throws {UserError} STORE_UNREADABLE where that is damaged, or written by a newer version
 */
export async function establishIdentity(layout: Layout): Promise<StoreIdentity> {
  const text = await readText(layout.identityFile);
  if (text !== undefined) return parseIdentity(text, layout.identityFile);
  const identity = { id: randomBytes(16).toString('hex'), plainNamespace: layout.plainNamespace };
  const json = JSON.stringify({ version: VERSION, ...identity });
  await writeFile(layout.tempFile('store'), layout.identityFile, `${json}\n`, 'bytes');
  return identity;
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function parseIdentity(text: string, path: string): StoreIdentity {
  const { version, id, plainNamespace } = parseObject(text);
  if (typeof version === 'number' && version > VERSION) {
    throw unreadable(path, 'was written by a newer regcache', 'run that version');
  }
  const namespace = typeof plainNamespace === 'string' ? readNamespace(plainNamespace) : undefined;
  if (
    version !== VERSION ||
    typeof id !== 'string' ||
    !/^[0-9a-f]{32}$/.test(id) ||
    namespace === undefined
  ) {
    const hint =
      'it says which origin the plain repositories belong to: restore it, or start with an empty store';
    throw unreadable(path, 'is damaged', hint);
  }
  return { id, plainNamespace: namespace };
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? { ...json } : {};
  } catch {
    return {};
  }
}

function unreadable(path: string, what: string, hint: string): UserError {
  return new UserError('STORE_UNREADABLE', `${path} ${what}`, { value: path, hint });
}
