import { type Challenge, parseChallenges } from '../upstream/challenge.ts';
import { basicAuthorization, mayReceiveCredentials } from '../upstream/credentials.ts';
import { type Answer, type Asked, type Asker, fieldOf } from './asker.ts';
import type { Findings } from './finding.ts';
import type { Target } from './target.ts';

/** What goes with every later question; `failed` where there is no way in. */
export type Access =
  | { readonly kind: 'open' }
  | { readonly kind: 'basic'; readonly authorization: string }
  | { readonly kind: 'bearer'; readonly token: (scope: string) => Promise<string | undefined> }
  | { readonly kind: 'failed' };

const GIVE = 'set username and passwordfile of this upstream';

/** Answers the challenge of a `401`, and tells what came of it. */
export async function authenticate(
  target: Target,
  refused: Asked,
  asker: Asker,
  findings: Findings,
  signal: AbortSignal,
): Promise<Access> {
  const challenges = parseChallenges(fieldOf(refused, 'www-authenticate') ?? '');
  const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
  if (bearer !== undefined) return await byToken(target, bearer, asker, findings, signal);
  if (challenges.some(({ scheme }) => scheme === 'basic'))
    return await byPassword(target, asker, findings, signal);
  const seen =
    challenges.length === 0
      ? 'it answers 401 and says not how to log in'
      : `it wants ${challenges.map(({ scheme }) => scheme).join(', ')}`;
  findings.fail(
    'auth',
    seen,
    'look at what stands before the registry: it must send WWW-Authenticate: Basic or Bearer',
    'Basic or Bearer',
  );
  return { kind: 'failed' };
}

async function byPassword(
  { url, credentials }: Target,
  asker: Asker,
  findings: Findings,
  signal: AbortSignal,
): Promise<Access> {
  if (credentials === undefined) {
    findings.fail('auth', 'it wants a user name and a password, and none is configured', GIVE);
    return { kind: 'failed' };
  }
  const authorization = basicAuthorization(credentials);
  const answer = await asker.ask(
    { method: 'GET', url: new URL('/v2/', url), headers: { authorization } },
    signal,
  );
  if (answer.ok && answer.status === 200) {
    findings.ok('auth', 'it accepts the user name and the password');
    return { kind: 'basic', authorization };
  }
  findings.fail(
    'auth',
    `it does not accept the user name and the password (${statusOf(answer)})`,
    `${GIVE}: try them with docker login ${url.host}`,
  );
  return { kind: 'failed' };
}

async function byToken(
  { url, credentials, realms }: Target,
  challenge: Challenge,
  asker: Asker,
  findings: Findings,
  signal: AbortSignal,
): Promise<Access> {
  const text = challenge.parameters.get('realm') ?? '';
  const realm = URL.canParse(text) ? new URL(text) : undefined;
  if (realm === undefined || !['http:', 'https:'].includes(realm.protocol)) {
    findings.fail(
      'auth',
      `its challenge names no usable token realm: ${JSON.stringify(text)}`,
      'set the realm in that registry’s auth.token.realm to its token service’s URL',
      'an https URL',
    );
    return { kind: 'failed' };
  }
  if (realm.protocol === 'http:' && url.protocol === 'https:') {
    findings.fail(
      'auth',
      `its token realm ${realm.origin} is plain http: no credentials go there`,
      'set that registry’s auth.token.realm to https://',
      'an https URL',
    );
    return { kind: 'failed' };
  }
  const isTrusted = credentials === undefined || mayReceiveCredentials(realm, url, realms);
  const given =
    credentials !== undefined && isTrusted ? { authorization: basicAuthorization(credentials) } : {};
  const request = async (scope: string): Promise<Answer> => {
    const at = new URL(realm);
    const service = challenge.parameters.get('service');
    if (service !== undefined) at.searchParams.set('service', service);
    if (scope !== '') at.searchParams.set('scope', scope);
    return await asker.ask({ method: 'GET', url: at, headers: given }, signal);
  };
  const answer = await request('');
  if (!answer.ok) {
    findings.fail(
      'auth',
      `its token realm ${realm.origin} cannot be asked: ${answer.seen}`,
      answer.mend ??
        `check that ${realm.host} can be reached from here: regcache doctor --url ${realm.origin}`,
    );
    return { kind: 'failed' };
  }
  if (!isTrusted) {
    findings.warn(
      'auth',
      `its token realm ${realm.origin} is another host: it is not given the credentials, and tokens are anonymous`,
      `if it may have them:\n  realms:\n    - ${realm.origin}`,
    );
  } else if (answer.status === 401 || answer.status === 403) {
    const who = credentials === undefined ? 'nobody without a user name' : 'this user name and password';
    findings.fail(
      'auth',
      credentials === undefined
        ? `its token realm gives tokens to ${who}`
        : `its token realm ${realm.origin} does not accept ${who} (${answer.status})`,
      `${GIVE}: try them with docker login ${url.host}`,
    );
    return { kind: 'failed' };
  } else if (answer.status !== 200 || tokenOf(answer) === undefined) {
    findings.fail(
      'auth',
      answer.status === 200
        ? `its token realm ${realm.origin} sends no token`
        : `its token realm ${realm.origin} answers ${answer.status}`,
      `look at that token service: curl -v ${realm.origin}${realm.pathname}`,
    );
    return { kind: 'failed' };
  } else
    findings.ok(
      'auth',
      `${realm.origin} gives tokens${credentials === undefined ? ' to anybody' : ' for this user name'}`,
    );
  return {
    kind: 'bearer',
    token: async (scope) => {
      const token = await request(scope);
      return token.ok && token.status === 200 ? tokenOf(token) : undefined;
    },
  };
}

function tokenOf({ body }: Asked): string | undefined {
  try {
    const json: unknown = JSON.parse(body.toString('utf8'));
    if (typeof json !== 'object' || json === null) return undefined;
    const { token, access_token: other } = json as Record<string, unknown>;
    const text = token ?? other;
    return typeof text === 'string' && /^[\x21-\x7e]+$/.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

function statusOf(answer: Answer): string {
  return answer.ok ? String(answer.status) : answer.seen;
}
