import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../fixtures/free-port.ts';
import { makeByOpenssl } from '../../fixtures/openssl-certificates.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { day, shown, TlsWorld } from '../../fixtures/tls-world.ts';
import { readHost } from './read-host.ts';
import { certificateTree, treeText } from './tree.ts';
import { verifyHop } from './verify-hop.ts';
import { writeAtomically } from './write-atomically.ts';
import { certificateOf } from './certificate.ts';

let world: TlsWorld;

beforeAll(async () => {
  world = await TlsWorld.start();
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const soon = (): AbortSignal => AbortSignal.timeout(10_000);

describe('readHost', () => {
  test('finds what a host presents, and the CA that it publishes', async () => {
    const { folder, root, middle } = world;
    const leaf = await makeByOpenssl(folder, { name: 'publishing', signer: middle });
    const server = await world.serve({ cert: leaf.certificatePem + middle.certificatePem, key: leaf.keyPem });
    server.misbehaviour = ({ url }, response) => {
      if (url !== '/ca') return false;
      response.end(root.certificatePem);
      return true;
    };
    const { hop, found } = await readHost(server.url, soon());
    expect(hop.presented.map(({ subject }) => subject)).toEqual(['CN=publishing', 'CN=middle']);
    expect(
      found.map(({ certificate, source, vouchedBy }) => [certificate.subject, source, vouchedBy]),
    ).toEqual([
      ['CN=middle', server.url.origin, 'host'],
      ['CN=root', `${server.url.origin}/ca`, 'host'],
    ]);
  });

  test.each([
    ['a page', '<html>'],
    ['a CA that has signed nothing here', undefined],
    ['more than a CA can be', 'x'.repeat(2_000_000)],
  ])('%s under /ca is none', async (_what, text) => {
    const server = await world.serve(world.good);
    server.misbehaviour = ({ url }, response) => {
      if (url !== '/ca') return false;
      response.end(text ?? world.root.certificatePem);
      return true;
    };
    expect((await readHost(server.url, soon())).found).toEqual([]);
  });

  test('a host that cannot be asked is told with the reason', async () => {
    const down = new URL(`https://127.0.0.1:${await freePort()}`);
    await expect(readHost(down, soon())).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
      message: `${down.origin}: it refuses connections`,
    });
    const plain = await world.serve();
    const url = new URL(plain.url.href.replace('http:', 'https:'));
    await expect(readHost(url, soon())).rejects.toThrow('it speaks no TLS there');
    const silent = await world.silentServer(() => undefined);
    await expect(readHost(silent, AbortSignal.timeout(200))).rejects.toThrow('it does not answer in time');
  });
});

test('verifyHop says what a cache would say', async () => {
  const { url } = await world.serve(world.good);
  expect(await verifyHop(url, [world.authority.certificatePem], soon())).toEqual({
    kind: 'trusted',
    protocol: 'TLSv1.3',
  });
  expect(await verifyHop(url, [], soon())).toMatchObject({
    kind: 'refused',
    code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  });
  const expired = await world.serve(await world.issued({ notBefore: day(-9), notAfter: day(-2) }));
  expect(await verifyHop(expired.url, [world.authority.certificatePem], soon())).toEqual({
    kind: 'refused',
    code: 'CERT_HAS_EXPIRED',
    why: 'its certificate, or one of its chain, has expired',
  });
});

test('a tree has each certificate once, below who has signed it', async () => {
  const { folder, root, middle } = world;
  const leaf = await makeByOpenssl(folder, { name: 'of-the-tree', signer: middle });
  const [one, two, three] = [leaf, root, middle].map(({ certificatePem }) => certificateOf(certificatePem));
  if (one === undefined || two === undefined || three === undefined) throw new Error('three were made');
  const tree = certificateTree([one, two, three, one]);
  expect(tree.map(({ certificate, signed }) => [certificate.subject, signed.length])).toEqual([
    ['CN=root', 1],
  ]);
  const text = treeText(tree, Date.now());
  expect(text).toMatch(/^CN=root {2}root CA$/m);
  expect(text).toMatch(/^└─ CN=middle {2}CA$/m);
  expect(text).toMatch(/^ {3}└─ CN=of-the-tree {2}server$/m);
  expect(text).toMatch(/names localhost, 127\.0\.0\.1/);
  expect(treeText(certificateTree([one]), day(100).getTime())).toMatch(/expired \d+ days ago/);
  expect(treeText(certificateTree([one]), day(-100).getTime())).toContain('not yet valid');
  const own = await world.issued({});
  expect(
    treeText(
      certificateTree([certificateOf(String(shown({ certificatePem: String(own.cert), keyPem: '' }).cert))]),
      Date.now(),
    ),
  ).toContain('signed by CN=good CA');
});

describe('writeAtomically', () => {
  test('replaces a file whole, and leaves nothing beside it', async () => {
    await using folder = await tempFolder('atomic');
    const file = join(folder.path, 'cas.pem');
    await writeAtomically(file, 'old');
    await writeAtomically(file, 'new', 0o600);
    expect([await readFile(file, 'utf8'), (await stat(file)).mode & 0o777]).toEqual(['new', 0o600]);
    await expect(stat(`${file}.${process.pid}.tmp`)).rejects.toThrow(/ENOENT/);
  });

  test('a folder that is not there is named with the way out', async () => {
    await using folder = await tempFolder('atomic');
    await expect(writeAtomically(join(folder.path, 'none', 'cas.pem'), 'x')).rejects.toMatchObject({
      code: 'FILE_UNWRITABLE',
      message: expect.stringContaining('(no such folder)') as unknown,
    });
  });
});
