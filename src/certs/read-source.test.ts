import { chmod, mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeByOpenssl, type OpensslCertificate } from '../../fixtures/openssl-certificates.ts';
import { mustRun } from '../../fixtures/run-program.ts';
import { type TempFolder, tempFolder } from '../../fixtures/temp-folder.ts';
import { certificateOf } from './certificate.ts';
import { keyProblem } from './key-problem.ts';
import { readSource, readSystem } from './read-source.ts';

let folder: TempFolder;
let ca: OpensslCertificate;
let leaf: OpensslCertificate;

beforeAll(async () => {
  folder = await tempFolder('source');
  ca = await makeByOpenssl(folder.path, { name: 'ca', isCa: true });
  leaf = await makeByOpenssl(folder.path, { name: 'leaf', signer: ca });
});

afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

async function names(path: string, password?: string): Promise<readonly string[]> {
  const { found } = await readSource(path, { password });
  return found.map(({ certificate }) => certificate.subject);
}

async function p12(name: string, password: string, ...more: readonly string[]): Promise<string> {
  const out = join(folder.path, `${name}.p12`);
  const inputs = ['-inkey', leaf.key, '-in', leaf.certificate, '-certfile', ca.certificate];
  await mustRun('openssl', [
    'pkcs12',
    '-export',
    '-out',
    out,
    '-passout',
    `pass:${password}`,
    ...inputs,
    ...more,
  ]);
  return out;
}

describe('PKCS#12', () => {
  test('as openssl 3 writes it, as openssl 1 did, and without a password or a key', async () => {
    const both = ['CN=ca', 'CN=leaf'];
    expect((await names(await p12('new', 'secret'), 'secret')).toSorted()).toEqual(both);
    expect((await names(await p12('old', 'secret', '-legacy'), 'secret')).toSorted()).toEqual(both);
    expect((await names(await p12('open', ''))).toSorted()).toEqual(both);
    const plain = ['-keypbe', 'NONE', '-certpbe', 'NONE', '-nomaciter'];
    expect((await names(await p12('plain', 'secret', ...plain), 'secret')).toSorted()).toEqual(both);
    const out = join(folder.path, 'trust.p12');
    await mustRun('openssl', [
      'pkcs12',
      '-export',
      '-nokeys',
      '-in',
      ca.certificate,
      '-out',
      out,
      '-passout',
      'pass:x',
    ]);
    expect(await names(out, 'x')).toEqual(['CN=ca']);
  });

  test('with another password, or none, is refused with the way out', async () => {
    const file = await p12('locked', 'secret');
    await expect(readSource(file, { password: 'wrong' })).rejects.toThrow(
      /password of this PKCS#12 file is another/,
    );
    await expect(readSource(file, { password: undefined })).rejects.toMatchObject({
      message: expect.stringContaining('is missing') as unknown,
      hint: 'name a file that holds it with --password-file',
    });
  });
});

test('a folder gives all that its files hold, and says what it passed over', async () => {
  const inside = join(folder.path, 'inside');
  await mkdir(join(inside, 'below'), { recursive: true });
  await writeFile(join(inside, 'a.pem'), ca.certificatePem + leaf.certificatePem);
  await writeFile(join(inside, 'notes.txt'), 'hello');
  await symlink('a.pem', join(inside, 'b.pem'));
  const { found, warnings } = await readSource(inside, { password: undefined });
  expect(
    found.map(({ certificate, source }) => `${source.slice(inside.length)} ${certificate.subject}`),
  ).toEqual(['/a.pem CN=ca', '/a.pem CN=leaf', '/b.pem CN=ca', '/b.pem CN=leaf']);
  expect(warnings).toEqual([`${join(inside, 'notes.txt')} holds no certificate`]);
});

describe('what cannot be read', () => {
  test.each([
    [
      'nothing there',
      async (path: string) => rename(path, `${path}.gone`),
      /cannot be read \(no such file\)/,
    ],
    ['a key', async (path: string) => writeFile(path, leaf.keyPem), /holds no certificate/],
    [
      'a damaged one',
      async (path: string) => writeFile(path, ca.certificatePem.replace(/[A-Za-z]{20}/, '')),
      /holds no certificate: /,
    ],
    [
      'half of a DER',
      async (path: string) =>
        writeFile(path, Buffer.from(certificateOf(ca.certificatePem).x509.raw.subarray(0, 200))),
      /holds no certificate: /,
    ],
  ])('%s', async (what, damage, message) => {
    const path = join(folder.path, `${what.replaceAll(' ', '-')}.pem`);
    await writeFile(path, '');
    await damage(path);
    await expect(readSource(path, { password: undefined })).rejects.toThrow(message);
  });

  test('a folder with nothing in it', async () => {
    const empty = join(folder.path, 'empty');
    await mkdir(empty);
    await expect(readSource(empty, { password: undefined })).rejects.toThrow(
      /holds no file with a certificate/,
    );
  });
});

test('the system’s store has CAs, and only those', () => {
  const system = readSystem();
  expect(system.length).toBeGreaterThan(50);
  expect(system.filter(({ certificate }) => !certificate.isCa && !certificate.isSelfSigned)).toEqual([]);
});

describe('keyProblem', () => {
  test('knows a pair, another’s key, one that all can read, and none at all', async () => {
    expect(await keyProblem(leaf.certificate, leaf.key)).toBeUndefined();
    expect(await keyProblem(leaf.certificate, ca.key)).toBe(`it is not the key of ${leaf.certificate}`);
    await chmod(leaf.key, 0o644);
    expect(await keyProblem(leaf.certificate, leaf.key)).toBe(
      'every user of this machine can read it: chmod 600',
    );
    await chmod(leaf.key, 0o600);
    expect(await keyProblem(leaf.certificate, leaf.certificate)).toMatch(/./);
  });
});
