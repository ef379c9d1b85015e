import { type Asked, fieldOf } from './asker.ts';

/** What a server seems to be. */
export interface ServerKind {
  readonly name: string;
  /** What a cache in front of it has to know. */
  readonly limits: string | undefined;
}

/** Tells servers apart by what they answer to `GET /v2/`. */
export function serverKind(answer: Asked): ServerKind {
  const server = fieldOf(answer, 'server') ?? '';
  const challenge = fieldOf(answer, 'www-authenticate') ?? '';
  if (
    fieldOf(answer, 'via') !== undefined &&
    answer.headers['docker-distribution-api-version'] !== undefined
  ) {
    return { name: 'regcache', limits: undefined };
  }
  if (/harbor/i.test(challenge))
    return { name: 'Harbor', limits: 'its proxy projects fetch each blob twice when cold' };
  if (/gitlab/i.test(challenge) || answer.headers['gitlab-container-registry-version'] !== undefined) {
    return { name: 'GitLab', limits: undefined };
  }
  if (/nexus/i.test(server)) return { name: 'Nexus', limits: undefined };
  if (/artifactory|jfrog/i.test(server) || answer.headers['x-jfrog-version'] !== undefined) {
    return { name: 'Artifactory', limits: undefined };
  }
  if (/docker\.io|docker\.com/.test(challenge)) {
    return { name: 'Docker Hub', limits: 'it limits pulls by address and account: configure a username' };
  }
  if (answer.headers['docker-distribution-api-version'] !== undefined) {
    return {
      name: 'Distribution',
      limits: 'as a cache, it knows no namespaces and fetches cold blobs more than once',
    };
  }
  return { name: server === '' ? 'unknown' : server, limits: undefined };
}

/** Names of the hops that an answer has passed (RFC 9110 section 7.6.3), the origin's side first. */
export function hopsOf(answer: Asked): readonly string[] {
  return (fieldOf(answer, 'via') ?? '')
    .split(',')
    .map((entry) => entry.trim().split(' ')[1] ?? '')
    .filter((name) => name !== '');
}
