import { join } from 'node:path';
import { type Digest, digestAlgorithm, digestHex } from '../oci/digest.ts';
import { type Namespace, readNamespace, type Repository } from '../oci/namespace.ts';
import type { Tag } from '../oci/reference.ts';
import { isRepositoryName } from '../oci/repository-name.ts';

/**
 * Where everything lies below the store's root; no other file knows a path. Blobs, links and tags lie as
 * Distribution's filesystem driver lays them (`docker/registry/v2/`), what is ours lies in `regcache/`. All of
 * it must be one file system, because final names are made by renaming.
 *
 * Components of paths come from branded types only, so none of them can climb out of its folder.
 */
export class Layout {
  /** The namespace whose repositories lie at their plain names. */
  readonly plainNamespace: Namespace;
  readonly root: string;
  readonly blobsFolder: string;
  readonly repositoriesFolder: string;
  /** For what is ours alone. */
  readonly ownFolder: string;
  readonly tempFolder: string;
  readonly indexFile: string;
  readonly lockFile: string;
  readonly identityFile: string;

  constructor(root: string, plainNamespace: Namespace) {
    this.root = root;
    this.plainNamespace = plainNamespace;
    const distribution = join(root, 'docker', 'registry', 'v2');
    this.blobsFolder = join(distribution, 'blobs');
    this.repositoriesFolder = join(distribution, 'repositories');
    this.ownFolder = join(root, 'regcache');
    this.tempFolder = join(this.ownFolder, 'tmp');
    this.indexFile = join(this.ownFolder, 'index.sqlite');
    this.lockFile = join(this.ownFolder, 'lock.sqlite');
    this.identityFile = join(this.ownFolder, 'store.json');
  }

  blobFolder(digest: Digest): string {
    const hex = digestHex(digest);
    return join(this.blobsFolder, digestAlgorithm(digest), hex.slice(0, 2), hex);
  }

  blobFile(digest: Digest): string {
    return join(this.blobFolder(digest), 'data');
  }

  /** Where a blob grows; one a digest, so that whoever resumes it after a crash can find it. */
  growingFile(digest: Digest): string {
    return join(this.tempFolder, `${digestAlgorithm(digest)}-${digestHex(digest)}.part`);
  }

  /** A small file on its way to its final name. */
  tempFile(unique: string): string {
    return join(this.tempFolder, `${unique}.tmp`);
  }

  /** The folder that says: this repository contains this digest. */
  proofFolder(repository: Repository, digest: Digest, kind: 'blob' | 'manifest'): string {
    const folder = kind === 'blob' ? ['_layers'] : ['_manifests', 'revisions'];
    return join(this.#repositoryFolder(repository), ...folder, digestAlgorithm(digest), digestHex(digest));
  }

  proofLink(repository: Repository, digest: Digest, kind: 'blob' | 'manifest'): string {
    return join(this.proofFolder(repository, digest, kind), 'link');
  }

  /** The type that the upstream gave a manifest; Distribution has no such file and does not mind it. */
  contentTypeFile(repository: Repository, digest: Digest): string {
    return join(this.proofFolder(repository, digest, 'manifest'), 'content-type');
  }

  tagFolder(repository: Repository, tag: Tag): string {
    return join(this.#repositoryFolder(repository), '_manifests', 'tags', tag);
  }

  tagLink(repository: Repository, tag: Tag): string {
    return join(this.tagFolder(repository, tag), 'current', 'link');
  }

  tagIndexFolder(repository: Repository, tag: Tag, digest: Digest): string {
    return join(this.tagFolder(repository, tag), 'index', digestAlgorithm(digest), digestHex(digest));
  }

  tagIndexLink(repository: Repository, tag: Tag, digest: Digest): string {
    return join(this.tagIndexFolder(repository, tag, digest), 'link');
  }

  /**
   * A repository's folder, relative to {@link repositoriesFolder}, with `/` between components. A namespace's
   * folder always looks like a host and a plain name's first component never does, so that no repository of one
   * origin can lie where another origin's lies.
   */
  repositoryPath({ namespace, name }: Repository): string {
    const plain = namespace === this.plainNamespace && !looksLikeHost(firstComponent(name));
    if (plain) return name;
    return `${looksLikeHost(namespace) ? namespace : `${namespace}:`}/${name}`;
  }

  /** The inverse of {@link repositoryPath}; undefined for a path that it never gives. */
  repositoryAt(path: string): Repository | undefined {
    const first = firstComponent(path);
    const named = looksLikeHost(first);
    const namespace = named
      ? readNamespace(first.endsWith(':') ? first.slice(0, -1) : first)
      : this.plainNamespace;
    const name = named ? path.slice(first.length + 1) : path;
    if (namespace === undefined || !isRepositoryName(name)) return undefined;
    const repository = { namespace, name };
    return this.repositoryPath(repository) === path ? repository : undefined;
  }

  #repositoryFolder(repository: Repository): string {
    return join(this.repositoriesFolder, this.repositoryPath(repository));
  }
}

function firstComponent(path: string): string {
  return path.split('/', 1)[0] ?? '';
}

/** Docker's rule for telling a host from a repository's first component. */
function looksLikeHost(component: string): boolean {
  return component.includes('.') || component.includes(':') || component === 'localhost';
}
