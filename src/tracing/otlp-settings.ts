import { readFile } from 'node:fs/promises';
import type { Environment } from './environment.ts';

/** Where spans are sent, and how. */
export interface OtlpSettings {
  /** Without credentials. */
  readonly url: URL;
  /** Secrets are among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** For one batch, all tries together. */
  readonly timeoutMs: number;
  readonly gzip: boolean;
  /** PEM text; undefined for the system's authorities and no certificate of our own. */
  readonly tls: Readonly<Partial<Record<'ca' | 'cert' | 'key', string>>>;
}

const DEFAULT_ENDPOINT = 'http://localhost:4318';
const DEFAULT_TIMEOUT_MS = 10_000;
const PROTOCOL = 'http/protobuf';

/**
 * Reads `OTEL_EXPORTER_OTLP_*`; a variable with `TRACES_` comes before the one without.
 * @returns undefined where the endpoint is none; that is told
 */
export async function readOtlpSettings(env: Environment): Promise<OtlpSettings | undefined> {
  const endpoint = readEndpoint(env);
  if (endpoint === undefined) return undefined;
  const { username, password } = endpoint;
  const url = new URL(endpoint);
  url.username = '';
  url.password = '';
  warnOfProtocol(env, url);
  return {
    url,
    headers: { ...basicAuthorization(username, password), ...readHeaders(env) },
    timeoutMs: env.count(...both('TIMEOUT')) ?? DEFAULT_TIMEOUT_MS,
    gzip: readGzip(env),
    tls: {
      ...(await readPem(env, 'ca', 'CERTIFICATE')),
      ...(await readPem(env, 'cert', 'CLIENT_CERTIFICATE')),
      ...(await readPem(env, 'key', 'CLIENT_KEY')),
    },
  };
}

function both(name: string): readonly [string, string] {
  return [`OTEL_EXPORTER_OTLP_TRACES_${name}`, `OTEL_EXPORTER_OTLP_${name}`];
}

/** The variable for traces names the whole URL, the one for all signals what `v1/traces` is put behind. */
function readEndpoint(env: Environment): URL | undefined {
  const [own, common] = both('ENDPOINT');
  const { name, value } = env.first(own, common) ?? { name: common, value: DEFAULT_ENDPOINT };
  const url = URL.parse(name === own ? value : `${value.replace(/\/$/, '')}/v1/traces`);
  if (url !== null && ['http:', 'https:'].includes(url.protocol)) return url;
  env.warn(
    `${name} is no http or https URL: no traces are sent. It looks like http://collector.example:4318`,
  );
  return undefined;
}

function warnOfProtocol(env: Environment, url: URL): void {
  const protocol = env.first(...both('PROTOCOL'));
  if (protocol === undefined || protocol.value === PROTOCOL) return;
  env.warn(
    `${protocol.name} is ${protocol.value}, which is not spoken here: traces go to ${url.href} by ${PROTOCOL}; collectors take that on port 4318`,
  );
}

function basicAuthorization(username: string, password: string): Record<string, string> {
  if (username === '' && password === '') return {};
  const pair = `${username}:${password}`;
  // A `%` that encodes nothing stands for itself.
  const decoded = pair.replaceAll(/%[0-9a-f]{2}/gi, (code) =>
    String.fromCharCode(Number.parseInt(code.slice(1), 16)),
  );
  return { authorization: `Basic ${Buffer.from(decoded, 'latin1').toString('base64')}` };
}

function readHeaders(env: Environment): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const variable of both('HEADERS').toReversed()) {
    for (const [key, value] of env.pairs(variable)) {
      const isField = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(key) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
      if (isField) headers[key.toLowerCase()] = value;
      else
        env.warn(
          `${variable}: what it gives for ${key.slice(0, 100)} cannot be a header field; it is left out`,
        );
    }
  }
  return headers;
}

function readGzip(env: Environment): boolean {
  const compression = env.first(...both('COMPRESSION'));
  if (compression === undefined || compression.value === 'none') return false;
  if (compression.value !== 'gzip')
    env.warn(`${compression.name} is ${compression.value}, and only gzip and none are known: none is used`);
  return compression.value === 'gzip';
}

/** A file that cannot be read is told and left out: the collector's refusal will be told too. */
async function readPem(
  env: Environment,
  key: 'ca' | 'cert' | 'key',
  name: string,
): Promise<OtlpSettings['tls']> {
  const file = env.first(...both(name));
  if (file === undefined) return {};
  try {
    return { [key]: await readFile(file.value, 'utf8') };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    env.warn(`${file.name}: ${reason}`);
    return {};
  }
}
