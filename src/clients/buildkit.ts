import { readNamespace } from '../oci/namespace.ts';
import { clientCertificateNotes } from './client-certificate.ts';
import type { ClientPlan, Origin, Setup } from './client.ts';
import { caFile } from './hosts-toml.ts';
import { tomlString } from './toml-string.ts';

const CERTIFICATES = '/etc/buildkit/certs';
const CONFIG = '/etc/buildkit/buildkitd.toml';

/** BuildKit as a daemon of its own: buildkitd, and buildx' drivers docker-container and kubernetes. */
export function planBuildkit(setup: Setup): ClientPlan {
  const { path, authority } = setup.cache;
  if (path !== '') {
    return {
      kind: 'refused',
      reason: `it puts a mirror's path behind v2/, and this cache is reached at ${path}/v2/ only`,
    };
  }
  const tables = [...setup.origins.map((origin) => originTable(setup, origin)), cacheTable(setup)];
  return {
    kind: 'files',
    files: [{ path: CONFIG, content: tables.join('\n') }, ...caFile(setup, CERTIFICATES)],
    notes: [
      `Merge it into a ${CONFIG} that is there already; then: systemctl restart buildkit. With buildx: docker buildx ` +
        `create --driver docker-container --buildkitd-config ${CONFIG}, which copies the certificates into the ` +
        'builder. The driver docker builds with the settings of the docker engine',
      ...(setup.ca === undefined && setup.clientCertificate !== 'required'
        ? []
        : [
            'buildkitd takes a relative name from the folder that it was started in: where the files lie elsewhere, ' +
              'change the names in the table of the cache',
          ]),
      ...clientCertificateNotes(setup, `${CERTIFICATES}/${authority}`),
    ],
  };
}

function originTable({ cache }: Setup, origin: Origin): string {
  const isPlain =
    origin.url.startsWith('http:') && readNamespace(new URL(origin.url).host) === origin.namespace;
  const lines = [
    `[registry.${tomlString(origin.namespace)}]`,
    `  mirrors = [${tomlString(cache.authority)}]`,
    ...(isPlain ? ['  http = true'] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** `http` always stands there: without it, BuildKit speaks plain http to an address of its own machine. */
function cacheTable({ cache, ca, clientCertificate }: Setup): string {
  const folder = `${CERTIFICATES}/${cache.authority}`;
  const lines = [
    `[registry.${tomlString(cache.authority)}]`,
    `  http = ${cache.scheme === 'http'}`,
    ...(ca === undefined ? [] : [`  ca = [${tomlString(`${folder}/ca.crt`)}]`]),
    ...(clientCertificate === 'required'
      ? [
          '',
          `  [[registry.${tomlString(cache.authority)}.keypair]]`,
          `    cert = ${tomlString(`${folder}/client.cert`)}`,
          `    key = ${tomlString(`${folder}/client.key`)}`,
        ]
      : []),
  ];
  return `${lines.join('\n')}\n`;
}
