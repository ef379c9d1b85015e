import { z } from 'zod';
import { type Namespace, readNamespace } from '../oci/namespace.ts';
import { parsed, quoteValue, unparsable } from './parsed.ts';
import { byteSize, choice, count, duration, flag, secret, text, textOf, timeout } from './schema-values.ts';
import { parseRealmUrl, parseServerUrl } from './server-url.ts';

const MEBIBYTE = 1024 * 1024;
/** 8 GiB. */
export const DEFAULT_PREFETCH_BYTES = 8192 * MEBIBYTE;

const serverUrl = textOf(z.string(), parseServerUrl, (url) => url).meta({ word: 'a URL' });
const realmUrl = textOf(z.string(), parseRealmUrl, (url) => url).meta({ word: 'a URL' });

const namespace = textOf<Namespace>(
  z.custom<Namespace>((value) => typeof value === 'string'),
  (written) => {
    const name = readNamespace(written);
    if (name !== undefined) return parsed(name);
    return unparsable(
      `${quoteValue(written)} is no host; write one such as docker.io or registry.example.com:5000`,
    );
  },
  (name) => name,
);

const hopName = textOf(
  z.string(),
  (written) =>
    /^[A-Za-z0-9._:-]{1,100}$/.test(written)
      ? parsed(written)
      : unparsable(`${quoteValue(written)} cannot stand in a header; write letters, digits and . _ : - only`),
  (name) => name,
);

const access = {
  username: secret.optional().describe('user name, for this server alone'),
  password: secret.optional().describe('its password; passwordfile keeps it out of the configuration'),
  passwordfile: text.optional().describe('file that holds the password; read again on SIGHUP'),
  credentialhelper: z.unknown().optional().describe('not built'),
  certificate: text.optional().describe('PEM file of the client certificate that is shown to it'),
  key: text.optional().describe('PEM file of its private key'),
};

const hop = z.strictObject({
  url: serverUrl.describe("the hop's URL"),
  ...access,
  cas: z.array(text).default([]).describe('PEM files trusted for this hop, beside the common ones'),
});

const upstream = z.strictObject({
  originhost: serverUrl.describe(
    "the origin's URL; it names the namespace, and is pulled from where there are no upstreamhosts",
  ),
  upstreamhosts: z
    .array(z.union([serverUrl, hop]))
    .default([])
    .describe(
      'next hops: URLs, or mappings with a url; one that fails is left out, probed after 1 s, doubling to 5 s',
    ),
  balance: choice(['repository', 'roundrobin'])
    .default('repository')
    .describe(
      'repository: each repository has its hop, so that a manifest and its blobs meet the same cache; roundrobin: one after the other, pull by pull',
    ),
  fallback: flag.default(true).describe('ask the origin itself where all hops fail'),
  namespace: namespace
    .optional()
    .describe(
      "the origin's name for ?ns= and path prefixes; else the host of originhost, with its port where that is not the scheme's",
    ),
  ...access,
  dockerconfig: z.unknown().optional().describe('not built'),
  realms: z.array(realmUrl).default([]).describe('further token services that may be given the credentials'),
  limits: z
    .strictObject({
      connections: count(1)
        .default(32)
        .describe('most connections to it at a time; with less than 3 nothing is prefetched'),
      rate: byteSize(1024)
        .optional()
        .describe('most bytes a second from it, such as 20MB; no limit by default'),
    })
    .prefault({})
    .describe('what is asked of the upstream at most'),
});

/** The options of the middleware `downstream`. */
export const downstreamSchema = z
  .strictObject({
    blobttl: duration
      .optional()
      .describe('how long an unused blob is kept, for ever by default; needs storage.delete.enabled: true'),
    blobttlmode: choice(['idle', 'absolute'])
      .default('idle')
      .describe('idle: counted from the last pull; absolute: from the fetch'),
    upstreams: z
      .array(z.union([serverUrl, upstream]))
      .describe(
        'origins with their hops, or a plain list of URLs: hops of one origin that has no name, is sent no namespace and cannot be fallen back to',
      ),
    name: hopName.optional().describe("this hop's name in Via and Cache-Status; else the host name and port"),
    timeouts: z
      .strictObject({
        connect: timeout(1).default(3000).describe('longest time to connect, TLS included'),
        headers: timeout(1)
          .default(25_000)
          .describe(
            "longest time until an answer's headers; 5 s less for each hop that the request has passed, but at least 5 s",
          ),
        idle: timeout(1).default(30_000).describe('longest silence within a body'),
      })
      .prefault({})
      .describe('how long upstreams are waited for'),
    fillafterabort: flag.default(true).describe('finish a download that nobody waits for any more'),
    digestttl: z.unknown().optional().describe('not built'),
    cas: z
      .array(text)
      .default([])
      .describe("PEM files trusted for upstream connections, beside the system's"),
    maxsize: z.unknown().optional().describe('not built'),
    tagttl: duration
      .default(0)
      .describe('how long a tag is believed without asking; 0s: it is asked for at every pull, by HEAD'),
    staleiferror: duration
      .default(24 * 3_600_000)
      .describe('how long a tag is served after its last check while the upstream fails'),
    prefetch: z
      .union([
        flag,
        z.strictObject({
          maxbytes: byteSize(1)
            .default(DEFAULT_PREFETCH_BYTES)
            .describe('bounds what is fetched ahead at a time'),
        }),
      ])
      .default(true)
      .describe("fetch an image's other blobs once its first layer is asked for: true, false, or a mapping"),
    ranges: z
      .strictObject({
        connections: count(1).default(4).describe('most connections for one blob; 1: no ranges'),
        minsize: byteSize(1)
          .default(16 * MEBIBYTE)
          .describe('smallest blob that is fetched in ranges'),
        window: byteSize(65_536)
          .default(8 * MEBIBYTE)
          .describe('smallest size of one range'),
      })
      .prefault({})
      .describe('parallel ranged fetch of one blob over a long link'),
  })
  .describe("DTR's content cache: pull from hops or origins");

/** Distribution's `proxy`: one origin. */
export const proxySchema = z
  .strictObject({
    remoteurl: serverUrl.optional().describe("the origin's URL"),
    username: secret.optional().describe('user name for the origin'),
    password: secret.optional().describe('password for the origin'),
    ttl: duration
      .default(168 * 3_600_000)
      .describe('how long an unused blob is kept; 0: for ever, and so without storage.delete.enabled: true'),
    exec: z.unknown().optional().describe('not built'),
    remotenamespace: z.unknown().optional().describe('not built'),
  })
  .describe("Distribution's pull-through cache: one origin");
