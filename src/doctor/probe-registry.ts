import type { ProxySettings } from '../upstream/proxy-settings.ts';
import type { Access } from './authenticate.ts';
import { authenticate } from './authenticate.ts';
import { type Answer, type Asked, Asker, fieldOf } from './asker.ts';
import type { Findings } from './finding.ts';
import { probeContent } from './probe-content.ts';
import { hopsOf, serverKind } from './server-kind.ts';
import type { Target } from './target.ts';

const SKEW_MS = 60_000;
const MOST_HOPS = 3;
const FEW_LEFT = 0.1;

/** What a registry told of itself. */
export interface Told {
  readonly roundTripMs: number | undefined;
  readonly server: string | undefined;
  readonly behind: readonly string[];
}

export interface ProbeOptions {
  readonly proxy: ProxySettings | undefined;
  /** For each question. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const NOTHING: Told = { roundTripMs: undefined, server: undefined, behind: [] };

/** Asks a registry what a cache would ask it, and tells everything that would be in a pull's way. */
export async function probeRegistry(
  target: Target,
  findings: Findings,
  { proxy, timeoutMs, signal }: ProbeOptions,
): Promise<Told> {
  await using asker = await Asker.open(target, proxy, timeoutMs);
  const base = { method: 'GET' as const, url: new URL('/v2/', target.url) };
  const answer = await asker.ask(base, signal);
  if (!isRegistry(target, answer, findings)) return NOTHING;
  const again = await asker.ask(base, signal);
  const roundTripMs = Math.min(answer.waitMs, again.ok ? again.waitMs : Infinity);
  const kind = serverKind(answer);
  findings.ok('server', kind.limits === undefined ? kind.name : `${kind.name}: ${kind.limits}`);
  tellClock(answer, findings);
  tellConnection(answer, findings);
  const access: Access =
    answer.status === 401 ? await authenticate(target, answer, asker, findings, signal) : { kind: 'open' };
  const told = {
    roundTripMs,
    server: kind.name,
    behind: kind.name === 'regcache' ? hopsOf(answer).slice(0, -1) : [],
  };
  if (access.kind === 'failed') return told;
  const last = await probeContent(target, { asker, access, findings, signal });
  tellRate(last ?? answer, findings);
  const behind = last !== undefined && kind.name === 'regcache' ? hopsOf(last).slice(0, -1) : told.behind;
  tellLevels(behind.length + (kind.name === 'regcache' ? 1 : 0), findings);
  return { ...told, behind };
}

function isRegistry(
  { url, clientCertificate }: Target,
  answer: Answer,
  findings: Findings,
): answer is Answer & { ok: true } {
  const expected = '200, or 401 with a challenge';
  const look = `look at it: curl -v ${url.origin}/v2/`;
  if (!answer.ok) {
    // Some servers end the connection without a word where a client has no certificate, or another one.
    if (
      url.protocol === 'https:' &&
      (answer.seen === 'the connection was cut' || answer.code.startsWith('ERR_SSL'))
    ) {
      const seen =
        clientCertificate === undefined
          ? 'it ends the connection after the handshake, as one does that wants a client certificate'
          : 'it ends the connection after the handshake, as one does that does not accept the client certificate';
      findings.fail(
        'tls',
        seen,
        `set certificate and key of this hop to one that its clientcas have signed; if it wants none, ${look}`,
      );
    } else findings.fail('api', `GET /v2/: ${answer.seen}`, answer.mend ?? look, expected);
    return false;
  }
  const { status } = answer;
  if (status === 400 && /certificate/i.test(answer.body.toString('latin1').slice(0, 2000))) {
    findings.fail(
      'tls',
      'it wants a client certificate',
      'set certificate and key of this hop to one that it accepts',
    );
    return false;
  }
  if (status === 429) {
    const after = fieldOf(answer, 'retry-after');
    findings.fail(
      'rate',
      `it answers 429: too many requests${after === undefined ? '' : `, again after ${after} s`}`,
      'configure a username, or wait',
      expected,
    );
    return false;
  }
  if (status >= 300 && status < 400) {
    const to = fieldOf(answer, 'location') ?? 'nowhere';
    findings.fail(
      'api',
      `GET /v2/ redirects to ${to}`,
      URL.canParse(to) ? `write ${new URL(to).origin} into the configuration` : look,
      expected,
    );
    return false;
  }
  if (status === 404 || (status === 200 && !isOurs(answer))) {
    findings.fail(
      'api',
      `GET /v2/ answers ${status}${status === 200 ? ' with a page that is no registry’s' : ''}: there is no registry at the root of this server`,
      'write the host and port of the registry itself, without a path',
      expected,
    );
    return false;
  }
  if (status === 508) {
    findings.fail(
      'loop',
      'it sees a loop: a cache of this chain pulls from itself',
      'correct upstreamhosts of that cache',
      expected,
    );
    return false;
  }
  if (status !== 200 && status !== 401) {
    findings.fail(
      'api',
      `GET /v2/ answers ${status}`,
      status >= 500 ? `look at that server’s log; ${look}` : look,
      expected,
    );
    return false;
  }
  findings.ok('api', `GET /v2/ answers ${status} in ${answer.waitMs.toFixed(1)} ms`);
  return true;
}

function isOurs(answer: Asked): boolean {
  if (answer.headers['docker-distribution-api-version'] !== undefined) return true;
  const type = fieldOf(answer, 'content-type') ?? '';
  return !type.startsWith('text/html');
}

function tellClock(answer: Asked, findings: Findings): void {
  const theirs = Date.parse(fieldOf(answer, 'date') ?? '');
  if (Number.isNaN(theirs)) return;
  const skewMs = theirs - Date.now();
  if (Math.abs(skewMs) < SKEW_MS) findings.ok('clock', 'its clock agrees with this machine’s');
  else {
    const seconds = Math.round(Math.abs(skewMs) / 1000);
    const off =
      seconds < 7200 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds / 3600)} hours`;
    findings.warn(
      'clock',
      `its clock is ${off} ${skewMs > 0 ? 'ahead of' : 'behind'} this machine’s`,
      'see which one is wrong, and have it set: timedatectl set-ntp true',
      'less than a minute',
    );
  }
}

function tellConnection(answer: Asked, findings: Findings): void {
  if (/(?:^|,)\s*close\s*(?:,|$)/i.test(fieldOf(answer, 'connection') ?? '')) {
    findings.warn(
      'keep-alive',
      'it closes the connection after each answer: every request costs handshakes',
      'turn keep-alive on there: in nginx, keepalive_timeout 65;',
      'kept connections',
    );
  } else findings.ok('keep-alive', 'it keeps connections');
}

function tellRate(answer: Asked, findings: Findings): void {
  const [limit, remaining] = ['ratelimit-limit', 'ratelimit-remaining'].map((name) =>
    Number.parseInt(fieldOf(answer, name) ?? '', 10),
  );
  if (limit === undefined || remaining === undefined || Number.isNaN(limit) || Number.isNaN(remaining))
    return;
  const seen = `${remaining} of ${limit} pulls are left`;
  if (remaining > limit * FEW_LEFT) findings.note('rate', seen);
  else
    findings.warn(
      'rate',
      seen,
      'configure a username with a higher limit, or a longer tagttl',
      `more than ${limit * FEW_LEFT}`,
    );
}

function tellLevels(levels: number, findings: Findings): void {
  if (levels <= MOST_HOPS) return;
  findings.warn(
    'levels',
    `the chain has ${levels} caches before the origin: each adds its round trip to a cold pull`,
    'measure whether fewer are faster: regcache bench',
    `at most ${MOST_HOPS}`,
  );
}
