import { describe, expect, it } from 'vitest';
import { UserError } from '../user-error.ts';
import type { Environment } from './environment.ts';
import { type LoadedConfig, loadConfig } from './load-config.ts';

async function load(text: string, env: Environment = {}): Promise<LoadedConfig> {
  return loadConfig({
    file: 'config.yml',
    env,
    readFile: (path) => {
      if (path === 'config.yml') return Promise.resolve(text);
      if (path === '/empty') return Promise.resolve('\n');
      if (path.startsWith('/ok')) return Promise.resolve('something');
      const code = path === '/locked' ? 'EACCES' : path === '/folder' ? 'EISDIR' : 'ENOENT';
      return Promise.reject(Object.assign(new Error('it cannot'), { code }));
    },
  });
}

/** The lines of the one error that a configuration gets. */
async function problems(text: string, env: Environment = {}): Promise<readonly string[]> {
  const error: unknown = await load(text, env).catch((caught: unknown) => caught);
  if (!(error instanceof UserError)) throw new Error('the configuration was accepted', { cause: error });
  expect(error).toMatchObject({ code: 'CONFIG_INVALID', exitCode: 2 });
  return error.message.split('\n');
}

const STORAGE = 'storage: {filesystem: {}, delete: {enabled: true}}';
const PROXY = 'proxy: {remoteurl: "https://o"}';
const PLAIN = `version: 0.1\n${STORAGE}\n${PROXY}\n`;
const OPTIONS = `version: 0.1\n${STORAGE}\nmiddleware:\n  registry:\n    - name: downstream\n      options:\n        `;
const UPSTREAM = `${OPTIONS}upstreams:\n          - originhost: https://o\n            `;
const at = 'middleware.registry[0].options';
const first = `${at}.upstreams[0]`;

describe('what is not built is refused by name', () => {
  it.each([
    [`${PLAIN}auth: {htpasswd: {realm: r, path: /x}}`, 4, 'auth.htpasswd', 'http.tls.clientcas'],
    [`${PLAIN}auth: {token: {realm: r}}`, 4, 'auth.token', 'http.tls.clientcas'],
    [`${PLAIN}auth: {silly: {realm: r}}`, 4, 'auth.silly', 'http.tls.clientcas'],
    [`${PLAIN}auth: {origin: {}}`, 4, 'auth.origin', 'http.tls.clientcas'],
    [`${PLAIN}auth: {director: {}}`, 4, 'auth.director', 'http.tls.clientcas'],
    [
      `version: 0.1\n${PROXY}\nstorage: {s3: {bucket: b}}`,
      3,
      'storage.s3',
      'storage.filesystem.rootdirectory',
    ],
    [`version: 0.1\n${PROXY}\nstorage: inmemory`, 3, 'storage.inmemory', 'storage.filesystem.rootdirectory'],
    [`${PLAIN}http: {workers: 2}`, 4, 'http.workers', 'write 1'],
    [`${PLAIN}http: {limits: {connectionsperclient: 5}}`, 4, 'http.limits.connectionsperclient', 'write 0'],
    [
      `${PLAIN}http: {tls: {letsencrypt: {email: a}}}`,
      4,
      'http.tls.letsencrypt',
      'write certificate and key',
    ],
    [`${PLAIN.trimEnd().slice(0, -1)}, exec: {command: c}}`, 3, 'proxy.exec', 'write username and password'],
    [`${PLAIN.trimEnd().slice(0, -1)}, remotenamespace: lib}`, 3, 'proxy.remotenamespace', 'full name'],
    [`${PLAIN}middleware: {storage: [{name: redirect}]}`, 4, 'middleware.storage', 'leave it out'],
    [`${PLAIN}middleware: {repository: [{name: x}]}`, 4, 'middleware.repository', 'leave it out'],
    [
      `${PLAIN}middleware: {registry: [{name: director, options: {a: 1}}]}`,
      4,
      'middleware.registry[0]',
      'downstream',
    ],
    [`${UPSTREAM}credentialhelper: pass`, 9, `${first}.credentialhelper`, 'passwordfile'],
    [`${UPSTREAM}dockerconfig: /x`, 9, `${first}.dockerconfig`, 'passwordfile'],
    [
      `${UPSTREAM}upstreamhosts: [{url: "https://a", credentialhelper: x}]`,
      9,
      `${first}.upstreamhosts[0].credentialhelper`,
      'passwordfile',
    ],
    [`${UPSTREAM}\n        maxsize: 1TB`, 10, `${at}.maxsize`, 'blobttl'],
    [`${UPSTREAM}\n        digestttl: 1h`, 10, `${at}.digestttl`, 'leave it out'],
  ])('%#: %s', async (text, line, path, instead) => {
    const lines = await problems(text);
    expect(lines).toEqual([expect.stringContaining(`config.yml:${line}: ${path}: not built yet; `)]);
    expect(lines[0]).toContain(instead);
  });

  it('but not where it is switched off', async () => {
    const { warnings } = await load(
      `${UPSTREAM}upstreamhosts: ["https://h"]\n` +
        'http: {workers: 1, limits: {connectionsperclient: 0}, tls: {letsencrypt: {email: "", hosts: []}}}\n' +
        'health: {storagedriver: {enabled: true, interval: 10s, threshold: 3}, file: [], http: [], tcp: []}\nauth: {none: }',
    );
    expect(warnings).toEqual([]);
  });
});

describe('what is wrong is named with its line, its path and the way out', () => {
  it.each([
    ['', 'config.yml: version: is required'],
    ['[]', 'config.yml: must be a mapping of keys'],
    [`version: 0.2\n${STORAGE}\n${PROXY}`, 'config.yml:1: version: `0.2` is unknown; write version: 0.1'],
    [`version: 0.1\n${STORAGE}`, 'config.yml: nothing to pull from; write `proxy: {remoteurl: '],
    [
      `${UPSTREAM}\n${PROXY}`,
      'config.yml:10: proxy: stands beside the middleware downstream; keep one of the two',
    ],
    [`version: 0.1\n${STORAGE}\nproxy: {}`, 'config.yml:3: proxy.remoteurl: is required'],
    [`version: 0.1\n${PROXY}`, 'config.yml: storage: no driver; write `filesystem:'],
    [`version: 0.1\n${PROXY}\nstorage: {delete: {enabled: yes}}`, 'config.yml:3: storage: no driver'],
    [`${PLAIN}foo: bar`, 'config.yml:4: foo: unknown key; known here: auth, '],
    [`${PLAIN}htpp: {}`, 'config.yml:4: htpp: unknown key; did you mean `http`?'],
    [`${PLAIN}http: 5`, 'config.yml:4: http: must be a mapping, is text'],
    [`${PLAIN}http: {headers: 5}`, 'config.yml:4: http.headers: must be a mapping, is text'],
    [`${OPTIONS}upstreams: [5]`, `config.yml:7: ${first}: `],
    [`${PLAIN}http: {adr: x}`, 'config.yml:4: http.adr: unknown key; did you mean `addr`?'],
    [`${PLAIN}http: {addr: [x]}`, 'config.yml:4: http.addr: must be text, is a list'],
    [`${PLAIN}http: {addr: ""}`, 'config.yml:4: http.addr: must not be empty'],
    [`${PLAIN}http: {addr: "5000"}`, 'config.yml:4: http.addr: `5000` has no colon; write `:5000`'],
    [`${PLAIN}http: {debug: {addr: "x"}}`, 'config.yml:4: http.debug.addr: `x` is no address'],
    [`${PLAIN}http: {net: udp}`, 'config.yml:4: http.net: `udp` is unknown; known here: tcp, unix'],
    [`${PLAIN}http: {prefix: /../}`, 'config.yml:4: http.prefix: `/../` is no path'],
    [`${PLAIN}http: {headers: {"a b": [c]}}`, 'config.yml:4: http.headers.a b: is no name of a header'],
    [
      `${PLAIN}http: {headers: {a: ["b\\nc"]}}`,
      'config.yml:4: http.headers.a[0]: holds a character that no header',
    ],
    [`${PLAIN}http: {draintimeout: 600h}`, 'config.yml:4: http.draintimeout: `600h` is longer than 24 days'],
    [`${PLAIN}http: {workers: 1.5}`, 'config.yml:4: http.workers: not built yet'],
    [
      `${PLAIN}http: {limits: {connections: none}}`,
      'config.yml:4: http.limits.connections: `none` is no whole number',
    ],
    [
      `${PLAIN}http: {limits: {connections: 0}}`,
      'config.yml:4: http.limits.connections: `0` is no whole number of at',
    ],
    [
      `${PLAIN}http: {limits: {headersize: 1}}`,
      'config.yml:4: http.limits.headersize: `1` is too small; write at least 1KiB',
    ],
    [
      `${PLAIN}http: {limits: {headertime: 0}}`,
      'config.yml:4: http.limits.headertime: `0` is too short; write more',
    ],
    [
      `${PLAIN}http: {tls: {certificate: /ok}}`,
      'config.yml:4: http.tls.key: is missing beside the certificate',
    ],
    [`${PLAIN}http: {tls: {key: /ok}}`, 'config.yml:4: http.tls.certificate: is missing beside the key'],
    [`${PLAIN}http: {tls: {clientcas: [/ok]}}`, 'config.yml:4: http.tls: needs certificate and key'],
    [
      `${PLAIN}http: {tls: {certificate: /ok, key: /ok, clientauth: all}}`,
      'config.yml:4: http.tls.clientauth: `all` is',
    ],
    [
      `${PLAIN}http: {tls: {certificate: /ok, key: /ok, minimumtls: tls1.1}}`,
      'is not offered any more; write tls1.2',
    ],
    [
      `${PLAIN}http: {tls: {certificate: /ok, key: /ok, ciphersuites: [RC4]}}`,
      'ciphersuites[0]: `RC4` is no cipher',
    ],
    [
      `${PLAIN}http: {tls: {certificate: /gone, key: /ok}}`,
      '4: http.tls.certificate: `/gone` cannot be read (no such file)',
    ],
    [
      `${PLAIN}http: {tls: {certificate: /ok, key: /locked}}`,
      '4: http.tls.key: `/locked` cannot be read (no permission)',
    ],
    [
      `${PLAIN}log: {level: loud}`,
      'config.yml:4: log.level: `loud` is unknown; known here: debug, error, info, warn',
    ],
    [
      `${PLAIN}log: {formatter: logstash}`,
      'config.yml:4: log.formatter: `logstash` is not built; write json',
    ],
    [`${PLAIN}log: {fields: [a]}`, 'config.yml:4: log.fields: must be a mapping, is a list'],
    [
      `${PLAIN}log: {accesslog: {disabled: maybe}}`,
      'config.yml:4: log.accesslog.disabled: `maybe` is neither true nor',
    ],
    [`${OPTIONS}upstream: []`, `config.yml:7: ${at}.upstream: unknown key; did you mean \`upstreams\`?`],
    [`${OPTIONS}upstreams: []`, `config.yml:7: ${at}.upstreams: is empty`],
    [`${OPTIONS}upstreams: x`, `config.yml:7: ${at}.upstreams: must be a list, is text`],
    [`${OPTIONS}upstreams: [[x]]`, `config.yml:7: ${first}: must be text or a mapping, is a list`],
    [`${OPTIONS}upstreams: [{}]`, `config.yml:7: ${first}.originhost: is required`],
    [`${OPTIONS}upstreams: [o]`, `config.yml:7: ${first}: \`o\` names no scheme; write \`https://o\``],
    [
      `${OPTIONS}upstreams: ["https://a", {originhost: "https://b"}]`,
      `config.yml:7: ${at}.upstreams: mixes URLs`,
    ],
    [
      `${UPSTREAM}upstreamhost: [x]`,
      `config.yml:9: ${first}.upstreamhost: unknown key; did you mean \`upstreamhosts\`?`,
    ],
    [`${UPSTREAM}upstreamhosts: x`, `config.yml:9: ${first}.upstreamhosts: must be a list, is text`],
    [`${UPSTREAM}upstreamhosts: [{}]`, `config.yml:9: ${first}.upstreamhosts[0].url: is required`],
    [`${UPSTREAM}namespace: a/b`, `config.yml:9: ${first}.namespace: \`a/b\` is no host`],
    [`${UPSTREAM}username: u`, `config.yml:9: ${first}.password: is missing beside the username`],
    [`${UPSTREAM}password: p`, `config.yml:9: ${first}.username: is missing beside the password`],
    [`${UPSTREAM}certificate: /ok`, `config.yml:9: ${first}.key: is missing beside the certificate`],
    [
      `${UPSTREAM}{username: u, passwordfile: /empty}`.replace(
        'https://o\n            {',
        'https://o\n            <<: {',
      ),
      '`/empty` is empty',
    ],
    [`${UPSTREAM}limits: {rate: fast}`, `config.yml:9: ${first}.limits.rate: \`fast\` is no size`],
    [
      `${UPSTREAM}\n          - originhost: https://O:443`,
      'a second upstream for the namespace `o`; keep one',
    ],
    [`${UPSTREAM}\n        name: a b`, `config.yml:10: ${at}.name: \`a b\` cannot stand in a header`],
    [`${UPSTREAM}\n        blobttlmode: never`, `config.yml:10: ${at}.blobttlmode: \`never\` is unknown`],
    [`${UPSTREAM}\n        blobttl: 1 day`, `config.yml:10: ${at}.blobttl: \`1 day\` is no duration`],
    [
      `${UPSTREAM}\n        cas: [/folder]`,
      `config.yml:10: ${at}.cas[0]: \`/folder\` cannot be read (it is a folder)`,
    ],
    [
      `${UPSTREAM}\n        cas: [/gone]`,
      '`/gone` cannot be read (no such file); check the path, or assemble it: regcache certs bundle --config config.yml --out /gone',
    ],
    [`${UPSTREAM}\n        cas: /ok`, `config.yml:10: ${at}.cas: must be a list, is text`],
    [
      `${UPSTREAM}\n    - name: downstream\n      options: {upstreams: ["https://x"]}`,
      'middleware.registry[1]: a second down',
    ],
    [`version: 0.1\nversion: 0.1`, 'config.yml:2: the key `version` stands here twice; keep one'],
    [`version: 0.1\nstorage: [`, 'config.yml:2: unexpected end of the stream within a flow collection'],
  ])('%#: %s', async (text, message) => {
    const lines = await problems(text);
    expect(lines.filter((line) => line.includes(message))).toHaveLength(1);
  });

  it('a blob TTL needs the right to delete', async () => {
    const text = `${UPSTREAM}\n        blobttl: 24h`.replace('enabled: true', 'enabled: off');
    expect(await problems(text)).toEqual([
      `config.yml:10: ${at}.blobttl: needs storage.delete.enabled: true; write it, or leave blobttl out`,
    ]);
  });

  it('two drivers are one too many', async () => {
    const text = PLAIN.replace('filesystem: {}', 'filesystem: {}, inmemory: ');
    expect(await problems(text)).toEqual([
      expect.stringContaining('config.yml:2: storage.inmemory: not built yet'),
      'config.yml:2: storage: more than one driver (filesystem, inmemory); keep filesystem',
    ]);
  });

  it('everything is said at once, in the order of the file, the environment last', async () => {
    const text = `version: 0.2\nstorage: {s3: {}}\nhttp: {addr: x, workers: 9}\nredis: {}\nfoo: 1\n`;
    const lines = await problems(text, { REGISTRY_HTTP_DRAINTIMEOUT: 'soon', REGISTRY_PROXY_REMOTEURL: 'o' });
    expect(lines.map((line) => line.split(': ').slice(0, 2).join(' '))).toEqual([
      'config.yml:1 version',
      'config.yml:2 storage.s3',
      'config.yml:3 http.workers',
      'config.yml:3 http.addr',
      'config.yml:5 foo',
      'REGISTRY_HTTP_DRAINTIMEOUT http.draintimeout',
      'REGISTRY_PROXY_REMOTEURL proxy.remoteurl',
    ]);
  });
});

describe('secrets', () => {
  it.each([
    `${UPSTREAM}username: u\n            password: [hunter2]`,
    `${UPSTREAM}username: u\n            password: {hunter2: x}`.replace('{hunter2: x}', '{a: hunter2}'),
    `${UPSTREAM}password: hunter2\n            passwordfile: /gone`,
    `${UPSTREAM}upstreamhosts: ["https://u:hunter2@h"]`,
    `${OPTIONS}upstreams: ["u:hunter2@h"]`,
    `${PLAIN}http: {secret: hunter2, foo: 1}`,
    `${PLAIN}redis: {password: hunter2}\nfoo: 1`,
    `${UPSTREAM}password: !hunter2`,
  ])('are in no message: %#', async (text) => {
    expect((await problems(text)).join('\n')).not.toContain('hunter2');
  });
});
