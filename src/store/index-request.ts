import type { Digest } from '../oci/digest.ts';
import type { Namespace, Repository } from '../oci/namespace.ts';
import type { Tag } from '../oci/reference.ts';
import type { DayFigure } from './index-days.ts';

/** What a repository is proven to contain: a blob, or a manifest. */
export type ProofKind = 'blob' | 'manifest';

/** From when on an unused digest's time counts: its last use, or its fetch. */
export type ExpiryBasis = 'used' | 'fetched';

/** One thing that happened to what is stored. Times are milliseconds since the epoch. */
export type IndexChange =
  | { readonly kind: 'stored'; readonly digest: Digest; readonly sizeBytes: number; readonly atMs: number }
  | { readonly kind: 'used'; readonly digest: Digest; readonly atMs: number }
  | {
      readonly kind: 'proven';
      readonly digest: Digest;
      readonly repository: Repository;
      readonly proof: ProofKind;
      /** What the upstream said; counts only until the digest is stored. */
      readonly sizeBytes: number;
      readonly atMs: number;
    }
  | ({ readonly kind: 'tagged'; readonly repository: Repository; readonly tag: Tag } & CheckedTag)
  /** Added to what the day has already. */
  | ({ readonly kind: 'counted' } & DayFigure);

/** What a tag pointed to when the upstream was last asked. */
export interface CheckedTag {
  readonly digest: Digest;
  readonly checkedAtMs: number;
}

/** Everything the index knows of one digest. */
export interface IndexEntry {
  /** 0 where the digest is only proven, not stored. */
  readonly storedBytes: number;
  readonly usedAtMs: number;
  readonly fetchedAtMs: number;
  readonly proofs: readonly { readonly repository: Repository; readonly kind: ProofKind }[];
  readonly tags: readonly { readonly repository: Repository; readonly tag: Tag }[];
}

/** What is stored, in figures. */
export interface IndexSummary {
  readonly blobs: number;
  readonly bytes: number;
  /** What was not used (or was fetched) the longest ago, the oldest first. */
  readonly oldest: readonly {
    readonly digest: Digest;
    readonly sizeBytes: number;
    readonly atMs: number;
    /** One that it was proven for; namespace and name. */
    readonly repository: string | undefined;
  }[];
}

/** What the index is asked; {@link IndexAnswers} has the answers. */
export type IndexRequest =
  | { readonly kind: 'open'; readonly root: string; readonly plainNamespace: Namespace }
  | { readonly kind: 'apply'; readonly changes: readonly IndexChange[] }
  | { readonly kind: 'due'; readonly by: ExpiryBasis; readonly cutoffMs: number; readonly limit: number }
  | { readonly kind: 'earliest'; readonly by: ExpiryBasis }
  | { readonly kind: 'entry'; readonly digest: Digest }
  | { readonly kind: 'summary'; readonly by: ExpiryBasis; readonly limit: number }
  | { readonly kind: 'days'; readonly since: string }
  | { readonly kind: 'forget'; readonly digest: Digest }
  | { readonly kind: 'checked-tag'; readonly repository: Repository; readonly tag: Tag }
  /** `complete`: every change was applied, so that the next start need not compare the index with the tree. */
  | { readonly kind: 'close'; readonly complete: boolean };

export interface IndexAnswers {
  open: undefined;
  apply: undefined;
  due: readonly Digest[];
  earliest: number | undefined;
  entry: IndexEntry | undefined;
  summary: IndexSummary;
  days: readonly DayFigure[];
  forget: undefined;
  'checked-tag': CheckedTag | undefined;
  close: undefined;
}
