import { z } from 'zod';
import { parsed, quoteValue, unparsable } from './parsed.ts';
import { headerFields } from './schema-headers.ts';
import { count, duration, flag, text, textOf, timeout } from './schema-values.ts';

const DEFAULT_INTERVAL_MS = 10_000;

const checkedUri = textOf(
  z.string(),
  (written) => {
    const url = URL.canParse(written) ? new URL(written) : undefined;
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
      return unparsable(
        `${quoteValue(written)} is no URL; write one such as https://host.example.com/health`,
      );
    }
    if (url.username === '' && url.password === '') return parsed(written);
    return unparsable(`${quoteValue(written)} carries a user; write an Authorization field into headers`);
  },
  (uri) => uri,
);

const checkedAddress = textOf(
  z.string(),
  (written) =>
    /^(?:\[[0-9a-fA-F:.]+\]|[^:[\]\s/]+):\d{1,5}$/.test(written) &&
    Number(written.replace(/^.*:/, '')) <= 65_535
      ? parsed(written)
      : unparsable(
          `${quoteValue(written)} is no address; write a host and a port, such as db.example.com:6379`,
        ),
  (address) => address,
);

/** Distribution takes 0 for its default. */
const interval = timeout(0).default(DEFAULT_INTERVAL_MS).describe('time between checks');
const threshold = count(0).default(0).describe('failures in a row before it counts as failing');
const limit = timeout(0).default(0).describe('longest time that a check may take; 0: its interval');

/** `health` */
export const healthSchema = z
  .strictObject({
    storagedriver: z
      .strictObject({
        enabled: flag.default(false).describe('whether the store is checked'),
        interval: duration.default(DEFAULT_INTERVAL_MS).describe('time between checks'),
        threshold,
      })
      .optional()
      .describe('check of the store'),
    file: z
      .array(
        z.strictObject({
          file: text.describe('a path: the check fails while something is there'),
          interval,
        }),
      )
      .default([])
      .describe('files that take this cache out of service while they exist'),
    http: z
      .array(
        z.strictObject({
          uri: checkedUri.describe('what is asked by HEAD'),
          headers: headerFields.default({}).describe('sent with the question: name and list of values'),
          statuscode: count(100).default(200).describe('the status that is wanted'),
          timeout: limit,
          interval,
          threshold,
        }),
      )
      .default([])
      .describe('servers that must answer'),
    tcp: z
      .array(
        z.strictObject({
          addr: checkedAddress.describe('host and port that must take a connection'),
          timeout: limit,
          interval,
          threshold,
        }),
      )
      .default([])
      .describe('servers that must take a connection'),
  })
  .describe('checks behind /debug/health and /readyz');
