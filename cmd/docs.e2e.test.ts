import { afterAll, beforeAll, expect, test } from 'vitest';
import { docsPages } from '../fixtures/docs-page.ts';
import { machinesOf, runPage } from '../fixtures/docs-run.ts';
import type { Machine } from '../fixtures/machine.ts';
import { canMakeMachines, Machines } from '../fixtures/machines.ts';
import { missingPeers, needPeers, type Peer } from '../fixtures/peers.ts';
import { serveRegistry, type WorldRegistries, worldRegistries } from '../fixtures/world-registries.ts';

const CLIENTS: readonly Peer[] = ['skopeo', 'podman', 'buildah', 'ctr', 'containerd'];
/** podman's own driver wants a file system of another kind than machines have. */
const STORAGE =
  '[storage]\ndriver = "vfs"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n';

/** Its machines need systemd: see deploy-docs.e2e.test.ts. */
const DEPLOYING = 'docs/deploying.md';
const pages = (await docsPages()).filter((page) => page.file !== DEPLOYING && machinesOf(page).length > 0);
let registries: WorldRegistries | undefined;

beforeAll(async () => {
  if (missingPeers('docker-registry').length === 0) registries = await worldRegistries();
});

afterAll(async () => {
  await registries?.[Symbol.asyncDispose]();
});

test.for(pages)('$file does what it says, command by command', async (page, context) => {
  const said = page.blocks.map(({ text }) => text).join('\n');
  needPeers(
    context,
    'docker-registry',
    'ip',
    'curl',
    ...CLIENTS.filter((client) => new RegExp(`\\b${client}\\b`).test(said)),
  );
  if (!(await canMakeMachines())) context.skip('this machine lets nobody mount');
  if (registries === undefined) throw new Error('the registries were not made');
  const { specs, privateCa, publicCa } = registries;
  const files = { '/root/origin-ca.pem': privateCa, '/etc/containers/storage.conf': STORAGE };
  const hosts = machinesOf(page).map((name) => ({ name, names: [`${name}.example.com`], files }));
  await using machines = await Machines.start([...specs, ...hosts]);
  for (const { name } of specs) await serveRegistry(machines.machine(name));
  for (const { name } of hosts) await trust(machines.machine(name), publicCa);
  const done = runPage(page, (name) => machines.machine(name));
  await expect(done).resolves.toBeUndefined();
});

async function trust(machine: Machine, ca: string): Promise<void> {
  const store = '/etc/ssl/certs/ca-certificates.crt';
  const { output } = await machine.run(`cat ${store}`);
  await machine.write(store, `${output}\n${ca}`);
}
