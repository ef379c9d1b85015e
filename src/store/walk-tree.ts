import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, isDigest } from '../oci/digest.ts';
import type { Repository } from '../oci/namespace.ts';
import { isTag, type Tag } from '../oci/reference.ts';
import { errnoOf } from './errno.ts';
import type { ProofKind } from './index-request.ts';
import type { Layout } from './layout.ts';

/** One thing that lies in the tree; `atMs` is when its file was last changed. */
export type Finding = { readonly digest: Digest; readonly atMs: number } & (
  | { readonly kind: 'blob'; readonly sizeBytes: number }
  | { readonly kind: 'proof'; readonly repository: Repository; readonly proof: ProofKind }
  | { readonly kind: 'tag'; readonly repository: Repository; readonly tag: Tag }
);

/**
 * Walks everything that is stored: blobs, then each repository's links. Synchronous, for a worker thread; what is
 * found is true at the moment it is given out. Whatever is not of the layout is passed over.
 * @throws where a folder or file is there and cannot be read
 */
export function* walkTree(layout: Layout): Generator<Finding, void, undefined> {
  yield* walkBlobs(layout);
  yield* walkRepositories(layout, '');
}

function* walkBlobs(layout: Layout): Generator<Finding, void, undefined> {
  for (const algorithm of foldersOf(layout.blobsFolder)) {
    for (const prefix of foldersOf(join(layout.blobsFolder, algorithm))) {
      for (const hex of foldersOf(join(layout.blobsFolder, algorithm, prefix))) {
        const digest = `${algorithm}:${hex}`;
        if (!isDigest(digest) || !hex.startsWith(prefix)) continue;
        const file = stat(layout.blobFile(digest));
        if (file !== undefined) yield { kind: 'blob', digest, ...file };
      }
    }
  }
}

/** Repositories lie in one another: `a/b` may be one, and `a` too. */
function* walkRepositories(layout: Layout, path: string): Generator<Finding, void, undefined> {
  const repository = path === '' ? undefined : layout.repositoryAt(path);
  if (repository !== undefined) {
    const folder = join(layout.repositoriesFolder, path);
    yield* walkProofs(layout, repository, 'blob', join(folder, '_layers'));
    yield* walkProofs(layout, repository, 'manifest', join(folder, '_manifests', 'revisions'));
    yield* walkTags(layout, repository, join(folder, '_manifests', 'tags'));
  }
  for (const name of foldersOf(join(layout.repositoriesFolder, path))) {
    if (!name.startsWith('_')) yield* walkRepositories(layout, path === '' ? name : `${path}/${name}`);
  }
}

function* walkProofs(
  layout: Layout,
  repository: Repository,
  proof: ProofKind,
  folder: string,
): Generator<Finding, void, undefined> {
  for (const algorithm of foldersOf(folder)) {
    for (const hex of foldersOf(join(folder, algorithm))) {
      const digest = `${algorithm}:${hex}`;
      if (!isDigest(digest)) continue;
      const link = readLink(layout.proofLink(repository, digest, proof));
      if (link?.digest === digest) yield { kind: 'proof', repository, proof, ...link };
    }
  }
}

function* walkTags(
  layout: Layout,
  repository: Repository,
  folder: string,
): Generator<Finding, void, undefined> {
  for (const tag of foldersOf(folder)) {
    if (!isTag(tag)) continue;
    const link = readLink(layout.tagLink(repository, tag));
    if (link !== undefined) yield { kind: 'tag', repository, tag, ...link };
  }
}

function readLink(path: string): { digest: Digest; atMs: number } | undefined {
  const file = stat(path);
  const digest = file === undefined ? undefined : present(() => readFileSync(path, 'utf8').trim());
  return file === undefined || digest === undefined || !isDigest(digest)
    ? undefined
    : { digest, atMs: file.atMs };
}

function stat(path: string): { sizeBytes: number; atMs: number } | undefined {
  const stats = present(() => statSync(path));
  return stats?.isFile() === true ? { sizeBytes: stats.size, atMs: stats.mtimeMs } : undefined;
}

function foldersOf(path: string): string[] {
  const entries: Dirent[] = present(() => readdirSync(path, { withFileTypes: true })) ?? [];
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/** The tree is in use: what was there a moment ago may be gone. */
function present<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
