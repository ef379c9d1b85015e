import { BlockList, isIP } from 'node:net';

/** Hosts that are reached without a proxy. */
export interface NoProxy {
  /** @param host a name or an address, without brackets */
  matches(host: string, port: number): boolean;
}

type Rule = (host: string, port: number) => boolean;

/**
 * Reads a list as in `NO_PROXY`, as Go's `net/http` does: names with or without a port (`example.com` is also every
 * name below it, `.example.com` and `*.example.com` only those), addresses, networks (`10.0.0.0/8`), `*` for
 * everything. Commas or spaces stand between them. What is none of these matches nothing. This machine is never
 * reached by a proxy, whatever the list says.
 */
export function parseNoProxy(list: string): NoProxy {
  const entries = list.toLowerCase().split(/[\s,]+/);
  const rules = [isThisMachine, ...entries.filter((entry) => entry !== '').map(ruleOf)];
  return {
    matches: (host, port) => {
      const name = host.toLowerCase().replace(/\.$/, '');
      return rules.some((rule) => rule(name, port));
    },
  };
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

function isThisMachine(host: string): boolean {
  return host === 'localhost' || isIn(LOOPBACK, host);
}

function ruleOf(entry: string): Rule {
  if (entry === '*') return () => true;
  const network = networkOf(entry);
  if (network !== undefined) return (host) => isIn(network, host);
  const { host, port } = splitPort(entry);
  const named = host.replace(/\.$/, '');
  const onPort = (asked: number): boolean => port === undefined || port === asked;
  if (named === '*') return (_host, asked) => onPort(asked);
  const address = networkOf(`${named}/${isIP(named) === 6 ? 128 : 32}`);
  if (address !== undefined) return (host, asked) => isIn(address, host) && onPort(asked);
  const suffix = `.${named.replace(/^\*?\./, '')}`;
  const isExact = !/^\*?\./.test(named);
  return (host, asked) => onPort(asked) && (host.endsWith(suffix) || (isExact && host === named));
}

/** Of `10.0.0.0/8` or `fd00::/8`, undefined for anything else. */
function networkOf(entry: string): BlockList | undefined {
  const [, address = '', bits = ''] = /^\[?([^/\]]*)\]?\/(\d{1,3})$/.exec(entry) ?? [];
  const family = isIP(address);
  if (family === 0 || Number(bits) > (family === 6 ? 128 : 32)) return undefined;
  const network = new BlockList();
  network.addSubnet(address, Number(bits), family === 6 ? 'ipv6' : 'ipv4');
  return network;
}

/** An address of version 6 has a port only behind brackets. */
function splitPort(entry: string): { readonly host: string; readonly port: number | undefined } {
  if (isIP(entry) !== 0) return { host: entry, port: undefined };
  const [, host = entry, port] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: port === undefined ? undefined : Number(port) };
}

function isIn(network: BlockList, host: string): boolean {
  const family = isIP(host);
  return family !== 0 && network.check(host, family === 6 ? 'ipv6' : 'ipv4');
}
