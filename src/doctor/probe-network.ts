import { lookup } from 'node:dns/promises';
import { connect, isIP } from 'node:net';
import { defaultPort } from '../upstream/proxy-settings.ts';
import type { Findings } from './finding.ts';

interface Address {
  readonly address: string;
  readonly family: number;
}

const WHY: Readonly<Record<string, readonly [seen: string, mend: string]>> = {
  ECONNREFUSED: ['refuses connections', 'start the registry there, or write the port that it listens on'],
  EHOSTUNREACH: ['cannot be reached from this network', 'check the route: ip route get ADDRESS'],
  ENETUNREACH: ['is in a network that this machine has no way to', 'check the route: ip route get ADDRESS'],
  ECONNRESET: [
    'resets the connection',
    'look for a firewall in between, or the server’s limit of connections',
  ],
  ETIMEDOUT: ['does not answer', 'open the port in the firewalls between: nc -vz ADDRESS PORT'],
};

/** Looks the name up and connects to each of its addresses. @returns whether any of them can be reached */
export async function probeNetwork(url: URL, findings: Findings, signal: AbortSignal): Promise<boolean> {
  const host = url.hostname.replaceAll(/[[\]]/g, '');
  const addresses = await resolve(host, findings, signal);
  const port = url.port === '' ? defaultPort(url) : Number(url.port);
  const tried = await Promise.all(
    addresses.map(async ({ address }) => ({ address, ...(await tryAddress(address, port, signal)) })),
  );
  const failed = tried.filter(({ code }) => code !== undefined);
  const good = tried.filter(({ code }) => code === undefined);
  if (good.length > 0) {
    const times = good.map(({ address, tookMs }) => `${address} in ${tookMs.toFixed(1)} ms`);
    findings.ok('connect', `connects to ${times.join(', ')}`);
  }
  for (const { address, code = '' } of failed) {
    const [seen, mend] = WHY[code] ?? [
      'does not answer',
      'open the port in the firewalls between: nc -vz ADDRESS PORT',
    ];
    const text = `${address} port ${port} ${seen}`;
    const way = mend.replace('ADDRESS', address).replace('PORT', String(port));
    if (good.length === 0) findings.fail('connect', text, way, `a connection to ${url.host}`);
    else
      findings.warn(
        'connect',
        `${text}; another address of ${host} does`,
        `${way}; or take this address out of the DNS`,
      );
  }
  return good.length > 0;
}

async function resolve(host: string, findings: Findings, signal: AbortSignal): Promise<readonly Address[]> {
  if (isIP(host) !== 0) return [{ address: host, family: isIP(host) }];
  try {
    const addresses = await abortable(lookup(host, { all: true }), signal);
    const families = [4, 6].map((family) => {
      const own = addresses.filter((each) => each.family === family).map(({ address }) => address);
      return `IPv${family}: ${own.length === 0 ? 'none' : own.join(', ')}`;
    });
    findings.ok('dns', `${host} is ${families.join('; ')}`);
    return addresses;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOTFOUND') {
      findings.fail(
        'dns',
        `the name ${host} is unknown`,
        `correct the name in the configuration, or add it to the DNS or to /etc/hosts: getent hosts ${host}`,
        'an address',
      );
    } else {
      findings.fail(
        'dns',
        `${host} cannot be looked up (${code || 'no answer in time'})`,
        'check /etc/resolv.conf and that its name servers answer',
        'an address',
      );
    }
    return [];
  }
}

/** @returns the error's code, `ETIMEDOUT` too where the time is over */
async function tryAddress(
  address: string,
  port: number,
  signal: AbortSignal,
): Promise<{ readonly code: string | undefined; readonly tookMs: number }> {
  const startedMs = performance.now();
  const socket = connect({ host: address, port });
  try {
    await abortable(
      new Promise<void>((done, fail) => {
        socket.once('connect', done);
        socket.once('error', fail);
      }),
      signal,
    );
    return { code: undefined, tookMs: performance.now() - startedMs };
  } catch (error) {
    return { code: codeOf(error) || 'ETIMEDOUT', tookMs: performance.now() - startedMs };
  } finally {
    socket.on('error', () => undefined);
    socket.destroy();
  }
}

/** Waits no longer than a signal allows; the work itself may go on. */
async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const over = Promise.withResolvers<never>();
  const stop = (): void => over.reject(new Error('no answer in time'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, over.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
