import { type Answer, type Asker, fieldOf, type Question } from './asker.ts';
import type { Findings } from './finding.ts';

const MAX_REDIRECTS = 5;
const STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const STORAGE =
  'correct the storage or redirect settings of that registry: in Distribution, storage.redirect.disable: true';

export interface RedirectDeps {
  readonly asker: Asker;
  readonly findings: Findings;
  readonly signal: AbortSignal;
}

/**
 * Follows the redirects of a blob as a cache does: never to plain http, never with credentials.
 * @returns undefined where one leads nowhere, which is told
 */
export async function followRedirects(
  first: Answer,
  question: Omit<Question, 'url'>,
  { asker, findings, signal }: RedirectDeps,
): Promise<Answer | undefined> {
  let answer = first;
  for (let count = 0; answer.ok && STATUSES.has(answer.status); count += 1) {
    const to = targetOf(fieldOf(answer, 'location') ?? '', answer.url, count);
    if (typeof to === 'string') {
      findings.fail('redirect', to, STORAGE, 'a URL of https, a few steps away at most');
      return undefined;
    }
    answer = await asker.ask({ ...question, url: to }, signal);
    if (!answer.ok) {
      const seen = `it redirects blobs to ${to.host}, which cannot be asked: ${answer.seen}`;
      const mend = answer.mend === undefined ? '' : `${answer.mend}; `;
      findings.fail('redirect', seen, `${mend}let this machine reach ${to.host}, or ${STORAGE}`);
      return undefined;
    }
    if (count === 0 && question.method === 'GET')
      findings.note('redirect', `it redirects blobs to ${to.host}`);
  }
  return answer;
}

/** Where to, or why not. */
function targetOf(location: string, from: URL, count: number): URL | string {
  if (count === MAX_REDIRECTS) return `it redirects more than ${MAX_REDIRECTS} times`;
  if (location === '' || !URL.canParse(location, from.href)) {
    return `it redirects to what is no URL: ${JSON.stringify(location.slice(0, 100))}`;
  }
  const to = new URL(location, from);
  const isDowngrade = from.protocol === 'https:' && to.protocol !== 'https:';
  return isDowngrade ? `it redirects from https to ${to.protocol}//${to.host}: a cache does not follow` : to;
}
