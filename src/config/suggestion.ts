import { closest, distance } from 'fastest-levenshtein';

/** The known word that an unknown one was probably meant to be; undefined where none is near. */
export function suggest(word: string, known: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  const [first, ...others] = known.filter((candidate) => candidate !== '');
  if (first === undefined) return undefined;
  const longer = [first, ...others].find(
    (candidate) =>
      Math.min(lower.length, candidate.length) > 2 &&
      (candidate.startsWith(lower) || lower.startsWith(candidate)),
  );
  if (longer !== undefined) return longer;
  const nearest = closest(lower, [first, ...others]);
  const allowed = Math.max(1, Math.floor(Math.max(lower.length, nearest.length) / 3));
  return distance(lower, nearest) <= allowed ? nearest : undefined;
}

/** `; did you mean …?`, or the words that are known, or nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const suggestion = suggest(word, known);
  if (suggestion !== undefined) return `; did you mean \`${suggestion}\`?`;
  return known.length === 0 || known.length > 30 ? '' : `; known here: ${known.toSorted().join(', ')}`;
}
