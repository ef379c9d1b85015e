import { createSecureContext } from 'node:tls';
import { handshake } from '../certs/presented-chain.ts';
import { UserError } from '../user-error.ts';
import { parseProxySettings, proxyFor, type ProxySettings } from '../upstream/proxy-settings.ts';
import { Findings, type Report } from './finding.ts';
import { probeNetwork } from './probe-network.ts';
import { probeRegistry, type Told } from './probe-registry.ts';
import { probeTls } from './probe-tls.ts';
import type { Target } from './target.ts';

export interface ExamineOptions {
  /** For all checks of a server together. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Names the proxies on the way. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const NETWORK_SHARE = 0.3;
const TLS_SHARE = 0.3;
const ASK_SHARE = 0.35;
/** A server of plain http may wait for the end of what it takes for a request. */
const PLAIN_MS = 500;

/**
 * Examines one server from the bottom up, and goes no further where a step fails: name, connection, TLS, registry,
 * rights, content.
 */
export async function examineHop(
  target: Target,
  { timeoutMs, signal, env }: ExamineOptions,
): Promise<Report> {
  const findings = new Findings();
  const within = (share: number): AbortSignal =>
    AbortSignal.any([signal, AbortSignal.timeout(timeoutMs * share)]);
  let told: Told | undefined;
  try {
    const proxy = parseProxySettings(env);
    if (await canTalk(target, proxy, findings, within)) {
      const bounds = { timeoutMs: timeoutMs * ASK_SHARE, signal: within(1) };
      told = await probeRegistry(target, findings, { proxy, ...bounds });
    }
  } catch (error) {
    // A certificate or key file that cannot be used, or a variable that names no proxy.
    if (!(error instanceof UserError)) throw error;
    findings.fail(
      error.code.startsWith('PROXY') ? 'proxy' : 'files',
      error.message,
      error.hint ?? 'correct cas, certificate or key of this hop',
    );
  }
  return {
    name: target.url.origin,
    role: target.role,
    findings: findings.list,
    roundTripMs: told?.roundTripMs,
    server: told?.server,
    behind: told?.behind ?? [],
  };
}

async function canTalk(
  target: Target,
  settings: ProxySettings | undefined,
  findings: Findings,
  within: (share: number) => AbortSignal,
): Promise<boolean> {
  const { url } = target;
  const proxy = proxyFor(settings, url);
  if (proxy !== undefined) {
    findings.note('proxy', `reached through the proxy ${proxy.url.host}, which ${proxy.variable} names`);
    return true;
  }
  if (!(await probeNetwork(url, findings, within(NETWORK_SHARE)))) return false;
  if (url.protocol === 'https:') return await probeTls(target, findings, within(TLS_SHARE));
  if (await speaksTls(url, within(TLS_SHARE))) {
    findings.fail(
      'tls',
      'it speaks TLS on that port',
      `write https://${url.host}`,
      'plain http, as configured',
    );
    return false;
  }
  if (!['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)) {
    findings.warn(
      'tls',
      'plain http: whoever sits in between can read and change what passes',
      `have it speak TLS and write https://${url.host}`,
      'https',
    );
  }
  return true;
}

async function speaksTls(url: URL, signal: AbortSignal): Promise<boolean> {
  const nothing = createSecureContext({ ca: [] });
  const quick = AbortSignal.any([signal, AbortSignal.timeout(PLAIN_MS)]);
  return await handshake(new URL(`https://${url.hostname}:${defaultedPort(url)}`), {
    trust: nothing,
    signal: quick,
  }).then(
    () => true,
    () => false,
  );
}

function defaultedPort(url: URL): string {
  return url.port === '' ? '80' : url.port;
}
