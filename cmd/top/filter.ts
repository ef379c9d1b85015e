import type { Lists } from './sort.ts';

/** Whether a list's entry belongs to what a person looks for: a part of a repository's name or of a namespace. */
export function matchesFilter(
  { repository, namespace, name }: Partial<Record<'repository' | 'namespace' | 'name', string | undefined>>,
  filter: string,
): boolean {
  const wanted = filter.trim().toLowerCase();
  if (wanted === '') return true;
  return [repository, namespace, name].some((text) => text?.toLowerCase().includes(wanted) ?? false);
}

/** What of a list matches. */
export function filtered<T extends Lists[keyof Lists]>(items: readonly T[], filter: string): readonly T[] {
  return filter.trim() === '' ? items : items.filter((item) => matchesFilter(item, filter));
}
