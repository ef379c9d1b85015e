import type { ListenAddress } from './config.ts';
import { type Parsed, parsed, quoteValue, unparsable } from './parsed.ts';

const TCP = /^(?:\[([0-9a-fA-F:.%a-z0-9]+)\]|([^:[\]\s/]*)):(\d{1,5})$/;

/**
 * Reads `:5000`, `host:5000`, `[::1]:5000`, or a socket's path where `net` is `unix`. Port 0 lets the system choose.
 */
export function parseListenAddress(text: string, net: string): Parsed<ListenAddress> {
  if (net === 'unix') return parsed({ kind: 'unix', path: text });
  if (net !== 'tcp' && net !== '')
    return unparsable(`the network ${quoteValue(net)} is unknown; write tcp or unix`);
  const match = TCP.exec(text);
  const port = Number(match?.[3]);
  if (match !== null && port <= 65_535) {
    return parsed({ kind: 'tcp', host: (match[1] ?? match[2]) || undefined, port });
  }
  if (/^\d{1,5}$/.test(text)) return unparsable(`${quoteValue(text)} has no colon; write \`:${text}\``);
  if (text.startsWith('/')) {
    return unparsable(
      `${quoteValue(text)} is a path; write \`net: unix\` beside it, or an address such as \`:5000\``,
    );
  }
  return unparsable(
    `${quoteValue(text)} is no address; write \`:5000\`, \`127.0.0.1:5000\` or \`[::1]:5000\``,
  );
}
