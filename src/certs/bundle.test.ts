import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  makeByOpenssl,
  type OpensslCertificate,
  type OpensslRequest,
} from '../../fixtures/openssl-certificates.ts';
import { runProgram } from '../../fixtures/run-program.ts';
import { type TempFolder, tempFolder } from '../../fixtures/temp-folder.ts';
import { assembleBundle, type Bundle, bundleText, type Found, type PresentedHop } from './bundle.ts';
import { certificateOf, readCertificates } from './certificate.ts';
import { buildChain } from './chain.ts';
import { makeSelfSigned } from './certificate-authority.ts';

const DAY_MS = 86_400_000;
const URL = 'https://asia.test:5000';

let folder: TempFolder;
const made = new Map<string, OpensslCertificate>();

beforeAll(async () => {
  folder = await tempFolder('bundle');
  const make = async (
    request: Omit<OpensslRequest, 'signer' | 'keyOf'> & { signer?: string; keyOf?: string },
  ) => {
    const { signer, keyOf, ...rest } = request;
    made.set(
      request.name,
      await makeByOpenssl(folder.path, {
        ...rest,
        ...(signer === undefined ? {} : { signer: pick(signer) }),
        ...(keyOf === undefined ? {} : { keyOf: pick(keyOf) }),
      }),
    );
  };
  await make({ name: 'root', isCa: true });
  await make({ name: 'other-root', isCa: true });
  await make({ name: 'middle', isCa: true, signer: 'root' });
  await make({
    name: 'middle-crossed',
    subject: 'middle',
    isCa: true,
    signer: 'other-root',
    keyOf: 'middle',
  });
  await make({ name: 'asia', signer: 'middle' });
  await make({ name: 'plain', signer: 'root' });
  await make({ name: 'own' });
});

afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

function pick(name: string): OpensslCertificate {
  const found = made.get(name);
  if (found === undefined) throw new Error(`no certificate ${name}`);
  return found;
}

const one = (name: string) => certificateOf(pick(name).certificatePem);
const from = (vouchedBy: Found['vouchedBy'], ...names: readonly string[]): readonly Found[] =>
  names.map((name) => ({ certificate: one(name), source: `${name}.pem`, vouchedBy }));
const hop = (...presented: readonly string[]): PresentedHop => ({ url: URL, presented: presented.map(one) });
const none = (): boolean => false;
const named = ({ entries }: Bundle): readonly string[] =>
  entries.map(({ certificate }) => certificate.subject);

describe('assembleBundle', () => {
  test('keeps what the operator gave, once, and says which hops need it', () => {
    const found = [...from('given', 'root', 'other-root', 'root')];
    const bundle = assembleBundle(found, [hop('asia', 'middle')], Date.now(), none);
    expect(named(bundle)).toEqual(['CN=root', 'CN=other-root']);
    expect(bundle.entries.map(({ neededBy }) => neededBy)).toEqual([[URL], []]);
    expect(bundle.chains[0]?.chain.anchor?.subject).toBe('CN=root');
  });

  test('an intermediate that the hop presents need not be in it; one that it does not present has to be', () => {
    const found = from('config', 'root', 'middle');
    expect(named(assembleBundle(found, [hop('asia', 'middle')], Date.now(), none))).toEqual(['CN=root']);
    expect(named(assembleBundle(found, [hop('asia')], Date.now(), none))).toEqual(['CN=middle', 'CN=root']);
  });

  test('leaves out servers’ certificates, expired ones, and what only the system or config has and no hop needs', async () => {
    const expired = certificateOf(
      (
        await makeSelfSigned({
          notAfter: new Date(Date.now() - DAY_MS),
          notBefore: new Date(Date.now() - 9 * DAY_MS),
        })
      ).certificatePem,
    );
    const found = [
      ...from('given', 'root', 'plain', 'own', 'asia'),
      ...from('system', 'other-root'),
      { certificate: expired, source: 'old.pem', vouchedBy: 'given' as const },
    ];
    const bundle = assembleBundle(found, [hop('plain')], Date.now(), none);
    expect(named(bundle)).toEqual(['CN=root', 'CN=own']);
    expect(bundle.leftOut.map(({ certificate, why }) => [certificate.subject, why])).toEqual([
      ['CN=plain', 'a CA of the bundle signs it'],
      ['CN=asia', 'it is a server’s, and whoever has signed it is in no source'],
      ['CN=localhost', 'expired'],
    ]);
  });

  test('what only the host vouches for is taken where the operator says so', () => {
    const found = from('host', 'root', 'middle');
    const refused = assembleBundle(found, [hop('asia', 'middle', 'root')], Date.now(), none);
    expect([named(refused), refused.untrusted.map(({ certificate }) => certificate.subject)]).toEqual([
      [],
      ['CN=root'],
    ]);
    const { fingerprint } = one('root');
    const taken = assembleBundle(
      found,
      [hop('asia', 'middle', 'root')],
      Date.now(),
      (each) => each.fingerprint === fingerprint,
    );
    expect([named(taken), taken.untrusted]).toEqual([['CN=root'], []]);
  });

  test('an operator’s word counts before the host’s own', () => {
    const found = [...from('host', 'root'), ...from('given', 'root')];
    expect(named(assembleBundle(found, [hop('plain')], Date.now(), none))).toEqual(['CN=root']);
  });

  test('of two that signed with the same key the one whose way up is known is taken', () => {
    const leaf = one('asia');
    const missing = buildChain(leaf, [one('middle'), one('middle-crossed')], Date.now());
    expect(missing.anchor).toBeUndefined();
    const chain = buildChain(leaf, [one('middle'), one('middle-crossed'), one('other-root')], Date.now());
    expect(chain.anchor?.subject).toBe('CN=other-root');
    expect(buildChain(one('own'), [], Date.now()).anchor?.subject).toBe('CN=own');
  });

  test('CAs that vouch for each other in circles, and nobody else for them, have no anchor', async () => {
    const roots = await Promise.all(
      ['c0', 'c1', 'c2', 'c3'].map(async (name) => makeByOpenssl(folder.path, { name, isCa: true })),
    );
    const crossed = roots.flatMap((signer, index) =>
      roots.flatMap((keyOf, other) =>
        index === other
          ? []
          : [{ name: `c${index}-c${other}`, subject: `c${other}`, isCa: true, signer, keyOf }],
      ),
    );
    const clique = await Promise.all(crossed.map(async (request) => makeByOpenssl(folder.path, request)));
    const signer = roots[0] ?? pick('root');
    const leaf = certificateOf((await makeByOpenssl(folder.path, { name: 'leaf', signer })).certificatePem);
    const candidates = clique.map(({ certificatePem }) => certificateOf(certificatePem));
    expect(buildChain(leaf, candidates, Date.now()).anchor).toBeUndefined();
    const [root] = [certificateOf(roots[2]?.certificatePem ?? '')];
    expect(buildChain(leaf, [...candidates, root], Date.now()).anchor).toBe(root);
  });

  test('says who is missing', () => {
    const { chains } = assembleBundle([], [hop('asia')], Date.now(), none);
    expect(chains[0]?.chain).toMatchObject({ anchor: undefined, missingIssuer: 'CN=middle' });
  });
});

test('a bundle’s text holds what it says, and a comment cannot end early', async () => {
  const certificate = { ...one('root'), subject: 'CN=evil\n-----BEGIN CERTIFICATE-----' };
  const text = bundleText({ entries: [{ certificate, source: 'a\r\nb', neededBy: [URL] }] });
  const path = join(folder.path, 'bundle.pem');
  await writeFile(path, text);
  expect(text.match(/^# .*$/gm)).toHaveLength(6);
  expect(text).toContain(`# needed by ${URL}`);
  expect(readCertificates(await readFile(path)).map(({ fingerprint }) => fingerprint)).toEqual([
    certificate.fingerprint,
  ]);
});

test('openssl verifies what a bundle is said to be enough for, and nothing else', async () => {
  const ways: readonly (readonly [given: readonly string[], presented: readonly string[]])[] = [
    [['root'], ['asia', 'middle']],
    [['root'], ['asia']],
    [['root', 'middle'], ['asia']],
    [['other-root'], ['asia', 'middle-crossed']],
    [['other-root'], ['asia', 'middle']],
    [['other-root', 'middle-crossed'], ['asia']],
    [['root'], ['plain']],
    [['other-root'], ['plain']],
    [['own'], ['own']],
    [['root'], ['own']],
    [['plain'], ['plain']],
    [['middle'], ['asia']],
  ];
  const verdicts: [string, boolean, boolean][] = [];
  for (const [given, presented] of ways) {
    const bundle = assembleBundle(from('given', ...given), [hop(...presented)], Date.now(), none);
    const anchor = bundle.chains[0]?.chain.anchor;
    const ours = bundle.entries.some(({ certificate }) => certificate.fingerprint === anchor?.fingerprint);
    const file = join(folder.path, 'given.pem');
    await writeFile(file, bundleText(bundle));
    const [leaf = '', ...sent] = presented.map((name) => pick(name).certificate);
    const untrusted = sent.flatMap((path) => ['-untrusted', path]);
    const { exitCode } = await runProgram('openssl', [
      'verify',
      '-no-CApath',
      '-no-CAstore',
      '-CAfile',
      file,
      ...untrusted,
      leaf,
    ]);
    verdicts.push([`${given.join('+')} for ${presented.join('+')}`, ours, exitCode === 0]);
  }
  expect(verdicts.map(([what, , openssl]) => [what, openssl])).toEqual(
    verdicts.map(([what, ours]) => [what, ours]),
  );
  expect(verdicts.filter(([, ours]) => ours).length).toBeGreaterThanOrEqual(5);
});
