import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  debianWithCache,
  debianWithPackage,
  EDITED_CONFIG,
  NEXT_VERSION,
  pullLines,
  serviceProperty,
  VERSION,
} from '../fixtures/debian-cache.ts';
import { tempFolder, type TempFolder } from '../fixtures/temp-folder.ts';

let packages: TempFolder;

beforeAll(async () => {
  packages = await tempFolder('deb');
});

afterAll(async () => {
  await packages[Symbol.asyncDispose]();
});

test('the package starts a service of a user of its own that writes to its store alone', async (context) => {
  await using machine = await debianWithPackage(context, packages.path, VERSION);
  await machine.sh(`dpkg --install /root/regcache_${VERSION}_amd64.deb`);
  expect(await serviceProperty(machine, 'ActiveState')).toBe('active');
  expect(await serviceProperty(machine, 'StatusText')).toBe('Serving http://127.0.0.1:5000');
  expect(await machine.sh('systemctl is-enabled regcache')).toBe('enabled\n');
  const pid = await serviceProperty(machine, 'MainPID');
  const status = await machine.sh(`stat -c %U /proc/${pid}; grep CapEff /proc/${pid}/status`);
  expect(status).toMatch(/^regcache\nCapEff:\s+0+\n$/);
  expect(await machine.sh('stat -c "%A %U %G %n" /etc/regcache /var/lib/regcache')).toBe(
    'drwxr-x--- root regcache /etc/regcache\ndrwxr-x--- regcache regcache /var/lib/regcache\n',
  );
  const touch = `nsenter --target ${pid} --mount touch`;
  const touched = await machine.run(
    'sh',
    '-c',
    `${touch} /etc/x /usr/x /root/x; ${touch} /var/lib/regcache/x`,
  );
  expect(touched.stderr.match(/Read-only file system|Permission denied/g)).toHaveLength(3);
  expect(touched.exitCode).toBe(0);
  expect(await machine.sh('regcache health --config /etc/regcache/config.yml')).toContain('serving');
});

test('an upgrade keeps an edited configuration and the store, and serves with the new program', async (context) => {
  const { machine, origin } = await debianWithCache(context, packages.path, VERSION, NEXT_VERSION);
  await using _machine = machine;
  await machine.sh(pullLines(origin));
  const pid = await serviceProperty(machine, 'MainPID');
  await machine.sh(`dpkg --install /root/regcache_${NEXT_VERSION}_amd64.deb`);
  expect(await machine.sh("dpkg-query --show --showformat '${Version}' regcache")).toBe(NEXT_VERSION);
  expect(await serviceProperty(machine, 'ActiveState')).toBe('active');
  expect(await serviceProperty(machine, 'MainPID')).not.toBe(pid);
  expect(await machine.sh('cat /etc/regcache/config.yml')).toBe(EDITED_CONFIG);
  await machine.sh(`systemctl stop origin\n${pullLines(origin)}`);
});

test('an upgrade does not start what somebody has stopped and disabled', async (context) => {
  await using machine = await debianWithPackage(context, packages.path, VERSION, NEXT_VERSION);
  await machine.sh(`dpkg --install /root/regcache_${VERSION}_amd64.deb
systemctl disable --now regcache
dpkg --install /root/regcache_${NEXT_VERSION}_amd64.deb`);
  expect(await serviceProperty(machine, 'ActiveState')).toBe('inactive');
  expect((await machine.run('systemctl', 'is-enabled', 'regcache')).stdout).toBe('disabled\n');
});

test('removal keeps configuration and store; a purge takes them, and nothing that is not regcache’s', async (context) => {
  const { machine, origin } = await debianWithCache(context, packages.path, VERSION);
  await using _machine = machine;
  await machine.sh(`${pullLines(origin)}\ntouch /var/lib/regcache/notes\ndpkg --remove regcache`);
  expect(await serviceProperty(machine, 'ActiveState')).toBe('inactive');
  expect(await machine.sh('cat /etc/regcache/config.yml')).toBe(EDITED_CONFIG);
  await machine.sh('test -d /var/lib/regcache/docker; test ! -e /usr/bin/regcache');
  await machine.sh('dpkg --purge regcache');
  expect(await machine.sh('ls /var/lib/regcache /etc/regcache')).toBe(
    '/etc/regcache:\ntls\n\n/var/lib/regcache:\nnotes\n',
  );
  const others = '/etc/systemd /var/lib/systemd /usr/lib/systemd /usr/lib/sysusers.d /usr/share';
  expect(await machine.sh(`find ${others} -name "*regcache*"`)).toBe('');
});
