import { z } from 'zod';
import { type Namespace, readNamespace } from '../oci/namespace.ts';
import { parsed, quoteValue, unparsable } from './parsed.ts';
import { byteSize, choice, count, duration, flag, secret, text, textOf, timeout } from './schema-values.ts';
import { parseRealmUrl, parseServerUrl } from './server-url.ts';

const MEBIBYTE = 1024 * 1024;
/** 8 GiB. */
export const DEFAULT_PREFETCH_BYTES = 8192 * MEBIBYTE;

const serverUrl = textOf(z.string(), parseServerUrl, (url) => url);
const realmUrl = textOf(z.string(), parseRealmUrl, (url) => url);

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
  username: secret.optional().describe('user name'),
  password: secret.optional().describe('password'),
  passwordfile: text.optional().describe('file that holds the password'),
  credentialhelper: z.unknown().optional().describe('not built'),
  certificate: text.optional().describe('PEM file of the client certificate'),
  key: text.optional().describe('PEM file of its private key'),
};

const hop = z.strictObject({
  url: serverUrl.describe("the hop's URL"),
  ...access,
  cas: z.array(text).default([]).describe('PEM files trusted for this hop, beside the common ones'),
});

const upstream = z.strictObject({
  originhost: serverUrl.describe("the origin's URL; it is pulled from when there are no upstreamhosts"),
  upstreamhosts: z
    .array(z.union([serverUrl, hop]))
    .default([])
    .describe('next hops: URLs, or mappings with a url'),
  balance: choice(['repository', 'roundrobin']).default('repository').describe('how a hop is chosen'),
  fallback: flag.default(true).describe('whether the origin is asked when all hops fail'),
  namespace: namespace.optional().describe("name for ?ns= and for path prefixes; else originhost's host"),
  ...access,
  dockerconfig: z.unknown().optional().describe('not built'),
  realms: z.array(realmUrl).default([]).describe('further token realms that may be given the credentials'),
  limits: z
    .strictObject({
      connections: count(1).default(32).describe('most connections at once'),
      rate: byteSize(1024).optional().describe('most bytes a second'),
    })
    .prefault({})
    .describe('what is asked of the upstream at most'),
});

/** The options of the middleware `downstream`. */
export const downstreamSchema = z
  .strictObject({
    blobttl: duration.optional().describe('how long an unused blob is kept; else for ever'),
    blobttlmode: choice(['idle', 'absolute'])
      .default('idle')
      .describe('idle: counted from the last pull; absolute: from the fetch'),
    upstreams: z
      .array(z.union([serverUrl, upstream]))
      .describe('origins with their hops, or a plain list of URLs: the hops of one origin'),
    name: hopName.optional().describe("this hop's name in Via and Cache-Status; else the host name and port"),
    timeouts: z
      .strictObject({
        connect: timeout(1).default(3000).describe('longest time to connect'),
        headers: timeout(1).default(25_000).describe("longest time until an answer's headers"),
        idle: timeout(1).default(30_000).describe('longest silence within a body'),
      })
      .prefault({})
      .describe('how long upstreams are waited for'),
    fillafterabort: flag.default(true).describe('finish a fill that nobody waits for any more'),
    digestttl: z.unknown().optional().describe('not built'),
    cas: z
      .array(text)
      .default([])
      .describe("PEM files trusted for upstream connections, beside the system's"),
    maxsize: z.unknown().optional().describe('not built'),
    tagttl: duration.default(0).describe('how long a tag is believed without asking'),
    staleiferror: duration
      .default(24 * 3_600_000)
      .describe('how long a tag outlives an unreachable upstream'),
    prefetch: z
      .union([flag, z.strictObject({ maxbytes: byteSize(1).default(DEFAULT_PREFETCH_BYTES) })])
      .default(true)
      .describe("fetch an image's other blobs once its first layer is asked for"),
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
      .describe('parallel ranged fetch'),
  })
  .describe("DTR's content cache: pull from hops or origins");

/** Distribution's `proxy`: one origin. */
export const proxySchema = z
  .strictObject({
    remoteurl: serverUrl.optional().describe("the origin's URL"),
    username: secret.optional().describe('user name for the origin'),
    password: secret.optional().describe('password for the origin'),
    ttl: duration.default(168 * 3_600_000).describe('how long an unused blob is kept; 0: for ever'),
    exec: z.unknown().optional().describe('not built'),
    remotenamespace: z.unknown().optional().describe('not built'),
  })
  .describe("Distribution's pull-through cache: one origin");
