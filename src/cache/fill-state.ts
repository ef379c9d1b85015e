import type { Refused, Trail } from '../upstream/verdict.ts';

/** How a fill began. */
export type Opened =
  | { readonly kind: 'filling'; readonly sizeBytes: number | undefined; readonly trail: Trail }
  | { readonly kind: 'bypass'; readonly sizeBytes: number | undefined; readonly trail: Trail }
  | Refused;

/** How a fill goes; the states are those of `README.md` beside this file. */
export type FillState =
  | { readonly kind: 'running' }
  | { readonly kind: 'stored' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'failed'; readonly error: unknown };
