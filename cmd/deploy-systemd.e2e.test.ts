import { join } from 'node:path';
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest';
import {
  debianWithCache,
  debianWithPackage,
  EDITED_CONFIG,
  serviceProperty,
  VERSION,
} from '../fixtures/debian-cache.ts';
import type { DebianMachine } from '../fixtures/debian-machine.ts';
import { needPeers } from '../fixtures/peers.ts';
import { mustRun } from '../fixtures/run-program.ts';
import { tempFolder, type TempFolder } from '../fixtures/temp-folder.ts';

const UNIT = join(import.meta.dirname, '..', 'deploy', 'systemd', 'regcache.service');
/** As systemd-analyze counts it, from 0 to 10, on Debian 12. */
const MOST_EXPOSURE = 1.3;

let packages: TempFolder;

beforeAll(async () => {
  packages = await tempFolder('deb');
});

afterAll(async () => {
  await packages[Symbol.asyncDispose]();
});

async function installed(context: TestContext, ...dropIn: readonly string[]): Promise<DebianMachine> {
  const machine = await debianWithPackage(context, packages.path, VERSION);
  if (dropIn.length > 0) await addDropIn(machine, ...dropIn);
  await machine.sh(`dpkg --install /root/regcache_${VERSION}_amd64.deb`);
  return machine;
}

async function addDropIn(machine: DebianMachine, ...lines: readonly string[]): Promise<void> {
  const text = ['[Service]', ...lines, ''].join('\n');
  await machine.write('/etc/systemd/system/regcache.service.d/test.conf', text);
}

test('the unit exposes no more than it did', async (context) => {
  needPeers(context, 'systemd-analyze');
  const said = await mustRun('systemd-analyze', ['security', '--offline=true', '--no-pager', UNIT]);
  const exposure = /Overall exposure level for regcache\.service: (?<level>[\d.]+)/.exec(said)?.groups?.[
    'level'
  ];
  expect(Number(exposure)).toBeLessThanOrEqual(MOST_EXPOSURE);
});

test('systemd finds nothing to complain about in the unit', async (context) => {
  await using machine = await installed(context);
  const verified = await machine.run('systemd-analyze', 'verify', '--man=no', 'regcache.service');
  expect(verified.stdout + verified.stderr).not.toContain('regcache');
});

test('a configuration that is wrong fails the reload, and changes nothing; one that is right is taken', async (context) => {
  await using machine = await installed(context);
  const config = await machine.sh('cat /etc/regcache/config.yml');
  await machine.write('/etc/regcache/config.yml', config.replace('blobttl', 'blobtll'));
  expect((await machine.run('systemctl', 'reload', 'regcache')).exitCode).toBe(1);
  expect(await machine.sh('journalctl --unit regcache')).toContain('did you mean');
  expect(await serviceProperty(machine, 'ActiveState')).toBe('active');
  await machine.write('/etc/regcache/config.yml', config.replace('168h', '24h'));
  await machine.sh('systemctl reload regcache');
  await expect
    .poll(() => machine.sh('journalctl --unit regcache'))
    .toMatch(/configuration reloaded.*blobttl/i);
  expect(await serviceProperty(machine, 'ActiveState')).toBe('active');
});

test('a configuration that is wrong at the start is not tried again', async (context) => {
  await using machine = await installed(context);
  await machine.write('/etc/regcache/config.yml', 'version: 0.1\n');
  expect((await machine.run('systemctl', 'restart', 'regcache')).exitCode).toBe(1);
  expect(await serviceProperty(machine, 'ActiveState')).toBe('failed');
  expect(await serviceProperty(machine, 'ExecMainStatus')).toBe('2');
});

test('running answers end before it stops, however short systemd’s own patience is', async (context) => {
  const { machine, origin } = await debianWithCache(context, packages.path, VERSION);
  await using _machine = machine;
  await machine.write(
    '/etc/regcache/config.yml',
    EDITED_CONFIG.replace('http:', 'http:\n  draintimeout: 60s'),
  );
  await addDropIn(machine, 'TimeoutStopSec=1s');
  await machine.sh('systemctl daemon-reload; systemctl restart regcache');
  const url = `https://cache.example.com:5000${origin.layerPath}`;
  const slow = machine.sh(
    `curl --silent --fail --cacert /root/origin-ca.pem --limit-rate 2M --output /root/layer ${url}`,
  );
  await machine.sh('until test -s /root/layer; do sleep 0.05; done');
  await machine.sh('systemctl stop regcache');
  await slow;
  expect(Number(await machine.sh('stat -c %s /root/layer'))).toBe(origin.layerBytes);
  expect(await serviceProperty(machine, 'Result')).toBe('success');
});

test('a daemon that hangs is killed, and started again', async (context) => {
  await using machine = await installed(context, 'WatchdogSec=2s', 'TimeoutAbortSec=1s', 'RestartSec=100ms');
  const pid = await serviceProperty(machine, 'MainPID');
  await machine.sh(
    `sleep 3; test "$(systemctl show --property MainPID --value regcache)" = ${pid}; kill -STOP ${pid}`,
  );
  await expect.poll(() => serviceProperty(machine, 'NRestarts'), { timeout: 20_000 }).toBe('1');
  await machine.sh('regcache health --config /etc/regcache/config.yml --wait 10');
  expect(await machine.sh('journalctl --unit regcache')).toContain('Watchdog timeout');
});

test('a port below 1024 is for whom the example’s drop-in gives it', async (context) => {
  await using machine = await installed(context);
  await machine.write('/etc/default/regcache', 'REGISTRY_HTTP_ADDR=127.0.0.1:443\n');
  await machine.sh('echo 1024 > /proc/sys/net/ipv4/ip_unprivileged_port_start');
  expect((await machine.run('systemctl', 'restart', 'regcache')).exitCode).toBe(1);
  expect(await machine.sh('journalctl --unit regcache')).toContain(
    'cannot listen on 127.0.0.1:443: not permitted',
  );
  await machine.sh(`install -D -t /etc/systemd/system/regcache.service.d /usr/share/doc/regcache/examples/low-ports.conf
systemctl daemon-reload
systemctl restart regcache`);
  expect(await serviceProperty(machine, 'StatusText')).toBe('Serving http://127.0.0.1:443');
});
