import { access, constants, mkdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { daysLeft, readCertificates, validityAt } from '../certs/certificate.ts';
import { keyProblem } from '../certs/key-problem.ts';
import { Findings, type Report } from './finding.ts';

/** What of a configuration concerns this machine. */
export interface Machine {
  readonly configName: string;
  /** What the configuration’s own check warns of, a line each. */
  readonly warnings: readonly string[];
  readonly root: string;
  readonly blobTtlMs: number | undefined;
  readonly deleteEnabled: boolean;
  readonly listen:
    | { readonly kind: 'tcp'; readonly host: string | undefined; readonly port: number }
    | { readonly kind: 'unix'; readonly path: string };
  readonly tls:
    | {
        readonly certificateFile: string;
        readonly keyFile: string;
        readonly clientCaFiles: readonly string[];
      }
    | undefined;
  /** How many connections it may hold: clients’ and its own. */
  readonly connections: number;
}

export interface MachineDeps {
  /** Whether what listens on the configured address is a regcache; undefined where nothing answers. */
  readonly running: () => Promise<boolean | undefined>;
}

const SOON_DAYS = 14;
const LEAST_FREE_BYTES = 256 * 1024 * 1024;
const LEAST_FREE_SHARE = 0.05;
const SPARE_FILES = 1024;

/** Looks at everything on this machine that a cache needs. Nothing is changed: what is written is removed again. */
export async function examineMachine(machine: Machine, deps: MachineDeps): Promise<Report> {
  const findings = new Findings();
  findings.ok('config', `${machine.configName} is valid`);
  for (const warning of machine.warnings)
    findings.warn('config', warning, `regcache config check --config ${machine.configName}`);
  if (machine.blobTtlMs !== undefined && !machine.deleteEnabled) {
    findings.fail(
      'delete',
      'blobttl is set, and nothing may be deleted: the disk fills up',
      'storage:\n  delete:\n    enabled: true',
      'storage.delete.enabled: true',
    );
  }
  await tellRoot(machine.root, findings);
  await tellFiles(machine.connections, findings);
  await tellPort(machine, await deps.running(), findings);
  if (machine.tls !== undefined) await tellCertificate(machine.tls, findings);
  return {
    name: 'this machine',
    role: 'machine',
    findings: findings.list,
    roundTripMs: undefined,
    server: undefined,
    behind: [],
  };
}

async function tellRoot(root: string, findings: Findings): Promise<void> {
  const place = await nearestFolder(root);
  const probe = join(place, `.regcache-doctor-${process.pid}`);
  try {
    if (!(await stat(place)).isDirectory())
      throw Object.assign(new Error('it is no folder'), { code: 'ENOTDIR' });
    await access(place, constants.R_OK | constants.W_OK | constants.X_OK);
    await mkdir(probe);
    await writeFile(join(probe, 'file'), 'regcache');
    findings.ok(
      'root',
      place === root ? `${root} can be written` : `${root} is not there yet, and can be made`,
    );
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const [seen, mend] = ROOT_FAULTS[code] ?? [
      `cannot be written (${code})`,
      'name another folder in storage.filesystem.rootdirectory',
    ];
    findings.fail(
      'root',
      `${place} ${seen}`,
      mend.replace('ROOT', place),
      'a folder that this user can write',
    );
    return;
  } finally {
    await rm(probe, { recursive: true, force: true }).catch(() => undefined);
  }
  const { bavail, blocks, bsize, ffree, files } = await statfs(place);
  const free = bavail * bsize;
  const size = blocks * bsize;
  const text = `${amount(free)} of ${amount(size)} are free`;
  const clear = `free some: du -xh ${place} | sort -h | tail; a shorter blobttl keeps less`;
  if (files > 0 && ffree === 0)
    findings.fail('space', 'no inode is free: no file can be made', clear, 'free inodes');
  else if (free < LEAST_FREE_BYTES)
    findings.fail('space', text, clear, `more than ${amount(LEAST_FREE_BYTES)}`);
  else if (free < size * LEAST_FREE_SHARE)
    findings.warn('space', text, clear, `more than ${LEAST_FREE_SHARE * 100} %`);
  else findings.ok('space', text);
}

const ROOT_FAULTS: Readonly<Record<string, readonly [string, string]>> = {
  EACCES: ['cannot be written by this user', 'give it to this user: chown -R "$(id -u)" ROOT'],
  EPERM: ['cannot be written by this user', 'give it to this user: chown -R "$(id -u)" ROOT'],
  EROFS: ['is on a file system that is mounted read-only', 'mount it for writing: mount -o remount,rw ROOT'],
  ENOSPC: ['is on a full disk', 'free some space: du -xh ROOT | sort -h | tail'],
  EDQUOT: ['is over this user’s quota', 'raise the quota, or name another folder'],
  ENOTDIR: ['is no folder', 'name a folder in storage.filesystem.rootdirectory'],
};

async function nearestFolder(path: string): Promise<string> {
  for (let place = path; ; place = dirname(place)) {
    const isThere = await stat(place).then(
      () => true,
      () => false,
    );
    if (isThere || place === dirname(place)) return place;
  }
}

async function tellFiles(connections: number, findings: Findings): Promise<void> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.NaN);
  if (Number.isNaN(limit)) return;
  const wanted = connections + SPARE_FILES;
  if (limit >= wanted) findings.ok('files', `${limit} files may be open`);
  else
    findings.warn(
      'files',
      `only ${limit} files may be open, and http.limits.connections allows ${connections} connections`,
      `raise it: ulimit -n ${wanted}, or LimitNOFILE=${wanted} in the systemd unit`,
      `at least ${wanted}`,
    );
}

async function tellPort(
  { listen }: Machine,
  running: boolean | undefined,
  findings: Findings,
): Promise<void> {
  const where = listen.kind === 'unix' ? listen.path : `port ${listen.port}`;
  if (running === true) {
    findings.ok('port', `a regcache answers on ${where}`);
    return;
  }
  if (running === false) {
    findings.fail(
      'port',
      `something else answers on ${where}`,
      `see what it is (ss -ltnp), stop it, or write another address: http.addr`,
      'a free port, or a running regcache',
    );
    return;
  }
  if (listen.kind === 'unix') return;
  const code = await tryListen(listen.host, listen.port);
  if (code === undefined) findings.ok('port', `${where} is free; no daemon runs there`);
  else if (code === 'EACCES')
    findings.fail(
      'port',
      `this user may not listen on ${where}`,
      'use a port of 1024 or more, or AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit',
    );
  else if (code === 'EADDRNOTAVAIL')
    findings.fail(
      'port',
      `${listen.host} is no address of this machine`,
      'write one of its own: ip addr',
      'an address of this machine',
    );
  else if (code === 'ENOTFOUND')
    findings.fail(
      'port',
      `the name ${listen.host} of http.addr is unknown`,
      'write an address of this machine: ip addr',
    );
  else
    findings.fail(
      'port',
      `${where} is taken, and what has it does not answer as regcache does`,
      'see what it is: ss -ltnp',
      'a free port',
    );
}

async function tryListen(host: string | undefined, port: number): Promise<string | undefined> {
  const server = createServer();
  return await new Promise<string | undefined>((done) => {
    server.once('error', (error) => done('code' in error ? String(error.code) : 'UNKNOWN'));
    server.listen({ port, ...(host === undefined ? {} : { host }), exclusive: true }, () => {
      server.close(() => done(undefined));
    });
  });
}

async function tellCertificate(
  { certificateFile, keyFile, clientCaFiles }: NonNullable<Machine['tls']>,
  findings: Findings,
): Promise<void> {
  const nowMs = Date.now();
  const problem = await keyProblem(certificateFile, keyFile);
  if (problem === undefined) findings.ok('key', `${keyFile} belongs to ${certificateFile}`);
  else if (problem.includes('chmod')) findings.warn('key', `${keyFile}: ${problem}`, `chmod 600 ${keyFile}`);
  else
    findings.fail(
      'key',
      `${keyFile}: ${problem}`,
      `name the key that ${certificateFile} was issued for: http.tls.key`,
    );
  const [own, ...more] = await certificatesOf(certificateFile);
  if (own === undefined) {
    findings.fail(
      'certificate',
      `${certificateFile} holds no certificate`,
      'name a PEM file with the server’s certificate first: http.tls.certificate',
    );
    return;
  }
  const left = daysLeft(own, nowMs);
  const until = own.notAfter.toISOString().slice(0, 10);
  const renew = `renew ${certificateFile}; a running daemon takes the new file without a restart`;
  const validity = validityAt(own, nowMs);
  if (validity === 'expired')
    findings.fail('certificate', `this cache’s own certificate expired on ${until}`, renew);
  else if (validity === 'not yet valid')
    findings.fail(
      'certificate',
      `this cache’s own certificate is valid from ${own.notBefore.toISOString().slice(0, 10)} on only`,
      'set this machine’s clock: timedatectl',
    );
  else if (left < SOON_DAYS)
    findings.warn(
      'certificate',
      `this cache’s own certificate expires on ${until}, in ${left} days`,
      renew,
      `more than ${SOON_DAYS} days`,
    );
  else findings.ok('certificate', `this cache’s own certificate is good until ${until}, ${left} days`);
  if (own.names.length === 0)
    findings.warn(
      'names',
      'this cache’s own certificate has no subjectAltName: clients refuse it',
      'issue one with the names that clients use',
    );
  for (const each of more.filter((other) => validityAt(other, nowMs) === 'expired')) {
    findings.warn(
      'certificate',
      `${each.subject} in ${certificateFile} has expired`,
      'put the renewed one into that file',
    );
  }
  for (const file of clientCaFiles) {
    for (const each of (await certificatesOf(file)).filter(
      (other) => validityAt(other, nowMs) === 'expired',
    )) {
      findings.warn(
        'clientcas',
        `${each.subject} in ${file} has expired: its clients are refused`,
        `put the CA’s new certificate into ${file}`,
      );
    }
  }
}

async function certificatesOf(file: string): Promise<ReturnType<typeof readCertificates>> {
  try {
    return readCertificates(await readFile(file));
  } catch {
    return [];
  }
}

function amount(bytes: number): string {
  const gib = bytes / 2 ** 30;
  return gib >= 1 ? `${gib.toFixed(1)} GiB` : `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
