import { z } from 'zod';
import { GO_CIPHER_SUITES, opensslCipherSuite } from './cipher-suites.ts';
import { parsed, quoteValue, unparsable } from './parsed.ts';
import { headerFields } from './schema-headers.ts';
import { byteSize, choice, count, flag, text, textOf, timeout } from './schema-values.ts';
import { didYouMean } from './suggestion.ts';

/** What the debug server has for itself: health and the control channel. */
const OWN_PATHS = /^\/(?:debug\/(?:health|live|ready)|livez|readyz|control\/.*)$/;

const prefix = textOf(
  z.string(),
  (written) => {
    const path = `/${written}/`.replaceAll(/\/{2,}/g, '/');
    if (/^[A-Za-z0-9/._~-]*$/.test(path) && !/\/\.{1,2}\//.test(path)) return parsed(path);
    return unparsable(
      `${quoteValue(written)} is no path; write letters, digits and slashes, such as /registry/`,
    );
  },
  (path) => path,
);

const cipherSuite = textOf(
  z.string(),
  (written) =>
    opensslCipherSuite(written) === undefined
      ? unparsable(
          `${quoteValue(written)} is no cipher suite that is offered here${didYouMean(written, []) || '; leave it out'}`,
        )
      : parsed(written),
  (name) => name,
).describe(`Go's name of a cipher suite: ${GO_CIPHER_SUITES.join(', ')}`);

const metricsPath = textOf(
  z.string(),
  (written) =>
    /^\/[A-Za-z0-9/._~-]*$/.test(written) && !OWN_PATHS.test(written)
      ? parsed(written)
      : unparsable(`${quoteValue(written)} cannot be used; write a path of its own, such as /metrics`),
  (path) => path,
);

const minimumTls = choice(['tls1.2', 'tls1.3'], {
  'tls1.0': 'is not offered any more; write tls1.2',
  'tls1.1': 'is not offered any more; write tls1.2',
});

const tls = z
  .strictObject({
    certificate: text.optional().describe('PEM file: the server’s own certificate first, then its chain'),
    key: text.optional().describe('PEM file with the private key'),
    clientcas: z
      .array(text)
      .default([])
      .describe('PEM files of the authorities that client certificates come from'),
    clientauth: choice([
      'request-client-cert',
      'require-any-client-cert',
      'verify-client-cert-if-given',
      'require-and-verify-client-cert',
    ])
      .default('require-and-verify-client-cert')
      .describe('what is asked of clients; has an effect only with clientcas'),
    minimumtls: minimumTls.default('tls1.2').describe('lowest TLS version that is spoken'),
    ciphersuites: z
      .array(cipherSuite)
      .default([])
      .describe('cipher suites that are offered; none named: the usual ones'),
    letsencrypt: z.unknown().optional().describe('not built'),
  })
  .describe('serve https');

const limits = z
  .strictObject({
    headersize: byteSize(1024)
      .default(16 * 1024)
      .describe('most bytes that the headers of a request may have'),
    headertime: timeout(1).default(10_000).describe('longest time that a client may take to send them'),
    connections: count(1).default(16_384).describe('most client connections at once'),
    connectionsperclient: count(0).default(0).describe('most connections of one address; 0: no limit'),
  })
  .prefault({})
  .describe('what clients may ask of this server');

const debug = z
  .strictObject({
    addr: text
      .optional()
      .describe(
        'its address, such as 127.0.0.1:5001: /debug/health answers 200, or 503 and what is wrong; off by default',
      ),
    prometheus: z
      .strictObject({
        enabled: flag.default(false).describe('whether metrics are served'),
        path: metricsPath.default('/metrics').describe('where they are served'),
      })
      .optional()
      .describe('metrics for Prometheus'),
  })
  .describe('a second server for operators: health and metrics');

/** `http` */
export const httpSchema = z
  .strictObject({
    addr: text
      .default(':5000')
      .describe('address to serve on: :5000, host:port, or with net: unix the path of a socket'),
    net: choice(['tcp', 'unix']).default('tcp').describe('what addr is'),
    prefix: prefix.default('/').describe('path before /v2/'),
    host: z.unknown().optional().describe('has no effect'),
    headers: headerFields.default({}).describe('further headers of every answer: name and list of values'),
    draintimeout: timeout(0).default(0).describe('how long running answers may take after SIGTERM; 0s: 5 s'),
    secret: z.unknown().optional().describe('has no effect'),
    relativeurls: z.unknown().optional().describe('has no effect'),
    workers: count(1).default(1).describe('processes that serve clients; more than 1 is not built'),
    limits,
    tls: tls.optional(),
    debug: debug.optional(),
    http2: z.unknown().optional().describe('has no effect'),
    h2c: z.unknown().optional().describe('has no effect'),
  })
  .prefault({})
  .describe('the server that clients talk to');
