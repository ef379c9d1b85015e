import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load, loadAll } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { tempFolder } from '../fixtures/temp-folder.ts';
import type { Config } from '../src/config/config.ts';
import { loadConfig } from '../src/config/load-config.ts';

const DEPLOY = join(import.meta.dirname, '..', 'deploy');
const MANIFESTS = join(DEPLOY, 'kubernetes');
const CONFIGS = ['debian', 'container', 'kubernetes'] as const;
/** Who regcache is in its image. */
const USER = 65_532;

const Named = z.object({ kind: z.string(), metadata: z.object({ name: z.string() }) });
const Probe = z.object({ httpGet: z.object({ path: z.string(), port: z.string() }) });
const Source = z.object({
  configMap: z.object({ name: z.string() }).optional(),
  secret: z
    .object({
      name: z.string(),
      optional: z.boolean().default(false),
      items: z.array(z.object({ key: z.string(), path: z.string() })),
    })
    .optional(),
});
const StatefulSet = z.object({
  spec: z.object({
    serviceName: z.string(),
    template: z.object({
      spec: z.object({
        terminationGracePeriodSeconds: z.number(),
        securityContext: z.unknown(),
        volumes: z.array(z.object({ name: z.string(), projected: z.object({ sources: z.array(Source) }) })),
        containers: z.tuple([
          z.object({
            args: z.array(z.string()),
            ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
            startupProbe: Probe,
            livenessProbe: Probe,
            readinessProbe: Probe,
            securityContext: z.unknown(),
            volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
          }),
        ]),
      }),
    }),
    volumeClaimTemplates: z.tuple([z.object({ metadata: z.object({ name: z.string() }) })]),
  }),
});
const Ports = z.array(
  z.object({ port: z.union([z.string(), z.number()]), targetPort: z.string().optional() }),
);

/** As it comes to be where `/etc/regcache` is another folder, with a certificate. */
async function configOf(
  kind: (typeof CONFIGS)[number],
): Promise<{ config: Config; warnings: readonly string[]; etc: string }> {
  await using folder = await tempFolder('etc');
  for (const name of ['tls.crt', 'tls.key']) {
    await mkdir(join(folder.path, 'tls'), { recursive: true });
    await writeFile(join(folder.path, 'tls', name), '');
  }
  const loaded = await loadConfig({
    file: join(DEPLOY, kind, 'config.yml'),
    env: {},
    readFile: async (path) => (await readFile(path, 'utf8')).replaceAll('/etc/regcache', folder.path),
  });
  return { ...loaded, etc: folder.path };
}

async function manifest(kind: string, name: string): Promise<unknown> {
  for (const file of await readdir(MANIFESTS)) {
    if (!file.endsWith('.yaml') || file === 'kustomization.yaml') continue;
    for (const document of loadAll(await readFile(join(MANIFESTS, file), 'utf8'))) {
      const named = Named.parse(document);
      if (named.kind === kind && named.metadata.name === name) return document;
    }
  }
  throw new Error(`there is no ${kind} ${name}`);
}

async function text(...path: readonly string[]): Promise<string> {
  return await readFile(join(DEPLOY, ...path), 'utf8');
}

describe.each(CONFIGS)('the configuration for %s', (kind) => {
  it('is valid, has nothing to be warned of, and keeps blobs where there is room for them', async () => {
    const { config, warnings } = await configOf(kind);
    expect(warnings).toEqual([]);
    expect(config.storage).toEqual({ root: '/var/lib/regcache', deleteEnabled: true });
    expect(config.upstreams).toMatchObject([{ namespace: 'docker.io' }]);
  });
});

describe('the manifests for Kubernetes', () => {
  it('are all applied', async () => {
    const { resources } = z
      .object({ resources: z.array(z.string()) })
      .parse(load(await text('kubernetes', 'kustomization.yaml')));
    const files = (await readdir(MANIFESTS)).filter((name) => name.endsWith('.yaml'));
    expect(resources.toSorted()).toEqual(files.filter((name) => name !== 'kustomization.yaml').toSorted());
  });

  it('name the image by this version', async () => {
    const { version } = z
      .object({ version: z.string() })
      .parse(JSON.parse(await readFile(join(DEPLOY, '..', 'package.json'), 'utf8')));
    expect(load(await text('kubernetes', 'kustomization.yaml'))).toMatchObject({
      images: [{ name: 'regcache', newTag: version }],
    });
  });

  it('open the ports that the configuration listens on, and ask for health where it is told', async () => {
    const { config } = await configOf('kubernetes');
    const set = StatefulSet.parse(await manifest('StatefulSet', 'regcache'));
    const [container] = set.spec.template.spec.containers;
    const ports = Object.fromEntries(container.ports.map(({ name, containerPort }) => [name, containerPort]));
    expect(config.http.listen).toMatchObject({ host: undefined, port: ports['registry'] });
    expect(config.http.debug?.listen).toMatchObject({ host: undefined, port: ports['debug'] });
    const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe];
    expect(probes.map(({ httpGet }) => `${httpGet.port} ${httpGet.path}`)).toEqual([
      'debug /livez',
      'debug /livez',
      'debug /readyz',
    ]);
    for (const name of ['regcache', set.spec.serviceName]) {
      const service = z.object({ spec: z.object({ ports: Ports }) }).parse(await manifest('Service', name));
      for (const { port, targetPort } of service.spec.ports) expect(ports[targetPort ?? '']).toBe(port);
    }
    const policy = z
      .object({ spec: z.object({ ingress: z.array(z.object({ ports: Ports })) }) })
      .parse(await manifest('NetworkPolicy', 'regcache'));
    const open = policy.spec.ingress.flatMap((rule) => rule.ports.map(({ port }) => port));
    expect(open).toEqual(['registry', 'debug']);
  });

  it('let Prometheus read what the configuration tells it', async () => {
    const { config } = await configOf('kubernetes');
    const monitor: unknown = load(await text('kubernetes', 'monitoring', 'service-monitor.yaml'));
    const path = config.http.debug?.metricsPath;
    expect(monitor).toMatchObject({ spec: { endpoints: [{ port: 'debug', path }] } });
    expect(path).toBe('/metrics');
    const { spec } = z
      .object({ spec: z.object({ selector: z.object({ matchLabels: z.record(z.string(), z.string()) }) }) })
      .parse(monitor);
    expect(await manifest('Service', 'regcache-debug')).toMatchObject({
      metadata: { labels: spec.selector.matchLabels },
    });
  });

  it('mount what the configuration names', async () => {
    const { config, etc } = await configOf('kubernetes');
    const { spec } = StatefulSet.parse(await manifest('StatefulSet', 'regcache'));
    const { containers, volumes } = spec.template.spec;
    const mounts = new Map(containers[0].volumeMounts.map(({ name, mountPath }) => [name, mountPath]));
    expect(mounts.get(spec.volumeClaimTemplates[0].metadata.name)).toBe(config.storage.root);
    const [volume] = volumes;
    const folder = mounts.get(volume?.name ?? '') ?? '';
    expect(containers[0].args).toEqual(['serve', '--config', join(folder, 'config.yml')]);
    const sources = volume?.projected.sources ?? [];
    const required = sources.flatMap(({ secret }) => (secret?.optional === false ? secret.items : []));
    expect(folder).toBe('/etc/regcache');
    expect(required.map(({ path }) => join(etc, path))).toEqual([
      config.http.tls?.certificateFile,
      config.http.tls?.keyFile,
    ]);
    // What is commented out in the configuration is there, too, once the secret is.
    const offered = sources.flatMap(({ secret }) => (secret?.optional === true ? secret.items : []));
    const written = await text('kubernetes', 'config.yml');
    for (const { path } of offered) expect(written).toContain(join(folder, path));
  });

  it('give a pod the time that draining takes, and then some', async () => {
    const { config } = await configOf('kubernetes');
    const { spec } = StatefulSet.parse(await manifest('StatefulSet', 'regcache'));
    const graceMs = spec.template.spec.terminationGracePeriodSeconds * 1000;
    expect(graceMs).toBeGreaterThanOrEqual(config.http.drainTimeoutMs + 15_000);
  });

  it('ask for no more than the namespace allows: the restricted pod security standard', async () => {
    const { spec } = StatefulSet.parse(await manifest('StatefulSet', 'regcache')).spec.template;
    expect(await manifest('Namespace', 'regcache')).toMatchObject({
      metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    });
    expect(spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(spec.containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('choose the same pods everywhere', async () => {
    const labels = { 'app.kubernetes.io/name': 'regcache' };
    expect(load(await text('kubernetes', 'kustomization.yaml'))).toMatchObject({
      labels: [{ pairs: labels, includeSelectors: true }],
    });
    const spec = (selector: object): object => ({ spec: selector });
    const chosen = { matchLabels: labels };
    expect(await manifest('NetworkPolicy', 'regcache')).toMatchObject(spec({ podSelector: chosen }));
    expect(await manifest('PodDisruptionBudget', 'regcache')).toMatchObject(spec({ selector: chosen }));
  });
});

describe('the image', () => {
  it('runs as the user that the manifests name', async () => {
    expect(await text('container', 'Containerfile')).toContain(`\nUSER ${USER}:${USER}\n`);
  });
});
