import { z } from 'zod';
import { parsed, quoteValue, unparsable } from './parsed.ts';
import { downstreamSchema, proxySchema } from './schema-downstream.ts';
import { healthSchema } from './schema-health.ts';
import { httpSchema } from './schema-http.ts';
import { choice, flag, freeMapping, text, textOf } from './schema-values.ts';

const version = textOf(
  z.literal('0.1'),
  (written) =>
    written === '0.1' ? parsed(written) : unparsable(`${quoteValue(written)} is unknown; write version: 0.1`),
  () => 0.1,
);

const level = choice(['error', 'warn', 'info', 'debug']);
const unused = (): z.ZodOptional<z.ZodUnknown> => z.unknown().optional();

const log = z
  .strictObject({
    level: level.optional().describe('least level that is logged; info by default'),
    formatter: choice(['text', 'json'], { logstash: 'is not built; write json' })
      .default('text')
      .describe('shape of the log'),
    fields: freeMapping.default({}).describe('names and values that are put into every line'),
    accesslog: z
      .strictObject({ disabled: flag.default(false).describe('leave out the line for each request') })
      .prefault({})
      .describe('log of requests'),
    hooks: unused().describe('has no effect'),
    reportcaller: unused().describe('has no effect'),
  })
  .prefault({})
  .describe('what is logged, and how');

const storage = z
  .strictObject({
    filesystem: z
      .strictObject({
        rootdirectory: text
          .default('/var/lib/registry')
          .describe('folder of the store, on a file system of this machine'),
        maxthreads: unused().describe('has no effect'),
      })
      .prefault({})
      .describe('store on this machine'),
    delete: z
      .strictObject({
        enabled: flag.default(false).describe('whether content may be removed; a TTL needs it'),
      })
      .prefault({})
      .describe('removal'),
    maintenance: z
      .strictObject({
        uploadpurging: unused().describe('has no effect'),
        readonly: z
          .strictObject({ enabled: flag.default(false).describe('store and remove nothing') })
          .prefault({})
          .describe('a store that is not written to'),
      })
      .prefault({})
      .describe('upkeep'),
    cache: unused().describe('has no effect'),
    redirect: unused().describe('has no effect'),
    tag: unused().describe('has no effect'),
    azure: unused().describe('not built'),
    cos: unused().describe('not built'),
    gcs: unused().describe('not built'),
    inmemory: unused().describe('not built'),
    oss: unused().describe('not built'),
    s3: unused().describe('not built'),
    s3aws: unused().describe('not built'),
    s3goamz: unused().describe('not built'),
    swift: unused().describe('not built'),
  })
  .prefault({})
  .describe('where content is kept');

const auth = z
  .strictObject({
    none: unused().describe('whoever can connect may pull: the same as leaving auth out'),
    htpasswd: unused().describe('not built'),
    token: unused().describe('not built'),
    silly: unused().describe('not built'),
    origin: unused().describe('not built'),
    director: unused().describe('not built'),
  })
  .describe('who may pull');

const middleware = z
  .strictObject({
    registry: z
      .array(
        z
          .strictObject({
            name: text.describe('its name: downstream'),
            disabled: flag.default(false).describe('leave this middleware out'),
            options: downstreamSchema,
          })
          .optional(),
      )
      .default([])
      .describe('middlewares; downstream is the one there is'),
    repository: unused().describe('not built'),
    storage: unused().describe('not built'),
  })
  .describe('middlewares by what they wrap');

/**
 * All of config.yml, each key with what it means. It decodes from a configuration whose scalars may still be
 * `PlainScalar`s, fills in defaults, and encodes to what would have to be written for the same.
 */
export const configSchema = z.strictObject({
  version: version.describe('version of the format: 0.1'),
  log,
  loglevel: level.optional().describe('old place of log.level'),
  storage,
  http: httpSchema,
  auth: auth.optional(),
  middleware: middleware.optional(),
  proxy: proxySchema.optional(),
  health: healthSchema.optional(),
  redis: unused().describe('has no effect'),
  notifications: unused().describe('has no effect'),
  validation: unused().describe('has no effect'),
  catalog: unused().describe('has no effect'),
  tags: unused().describe('has no effect'),
  policy: unused().describe('has no effect'),
  compatibility: unused().describe('has no effect'),
  reporting: unused().describe('has no effect'),
});

/** A configuration that fits {@link configSchema}, with its defaults. */
export type ConfigData = z.output<typeof configSchema>;
