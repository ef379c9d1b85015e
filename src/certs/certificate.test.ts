import { describe, expect, test } from 'vitest';
import { makeByOpenssl } from '../../fixtures/openssl-certificates.ts';
import { mustRun } from '../../fixtures/run-program.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { certificateOf, daysLeft, isIssuedBy, readCertificates, validityAt } from './certificate.ts';
import { makeCertificateAuthority, makeSelfSigned } from './certificate-authority.ts';

const DAY_MS = 86_400_000;

describe('readCertificates', () => {
  test('finds all of a PEM text, whatever else stands in it', async () => {
    const [one, other] = [
      await makeCertificateAuthority('one'),
      await makeSelfSigned({ hosts: ['two.test'] }),
    ];
    const text = `a comment\n${one.certificatePem}${other.keyPem}\r\n# another\r\n${other.certificatePem.replaceAll('\n', '\r\n')}`;
    const found = readCertificates(Buffer.from(text));
    expect(found.map(({ subject }) => subject)).toEqual(['CN=one', 'CN=two.test']);
  });

  test('knows the other words that stand for a certificate', async () => {
    await using folder = await tempFolder();
    const { certificate, certificatePem } = await makeByOpenssl(folder.path, { name: 'old', isCa: true });
    const x509 = certificatePem
      .replaceAll('CERTIFICATE-', 'CERTIFICATE-')
      .replaceAll(/(BEGIN|END) /g, '$1 X509 ');
    expect(readCertificates(Buffer.from(x509))).toHaveLength(1);
    const der = await mustRun('sh', ['-c', `openssl x509 -in ${certificate} -outform der | base64 -w0`]);
    const [found] = readCertificates(Buffer.from(der, 'base64'));
    expect(found?.fingerprint).toBe(certificateOf(certificatePem).fingerprint);
  });

  test('finds none where there is none, and says so where one is damaged', async () => {
    const { certificatePem, keyPem } = await makeSelfSigned();
    expect(readCertificates(Buffer.from(keyPem))).toEqual([]);
    expect(readCertificates(Buffer.from('hello'))).toEqual([]);
    expect(readCertificates(Buffer.alloc(0))).toEqual([]);
    expect(readCertificates(Buffer.from([0x30, 0x03, 0x02, 0x01, 0x05]))).toEqual([]);
    const lines = certificatePem.split('\n');
    const damaged = [...lines.slice(0, 3), ...lines.slice(4)].join('\n');
    expect(() => readCertificates(Buffer.from(damaged))).toThrow(/./);
  });
});

describe('certificateOf', () => {
  test('agrees with openssl on name, fingerprint and dates', async () => {
    await using folder = await tempFolder();
    const { certificate, certificatePem } = await makeByOpenssl(folder.path, { name: 'asia', days: 10 });
    const wanted = '-noout -fingerprint -sha256 -enddate -dateopt iso_8601'.split(' ');
    const told = await mustRun('openssl', ['x509', '-in', certificate, ...wanted]);
    const found = certificateOf(certificatePem);
    expect(found.fingerprint).toBe(
      `sha256:${/Fingerprint=(.*)/i.exec(told)?.[1]?.replaceAll(':', '').toLowerCase()}`,
    );
    const until = new Date((/notAfter=(.*)/.exec(told)?.[1] ?? '').replace(' ', 'T'));
    expect(found.notAfter).toEqual(until);
    expect([found.isCa, found.isSelfSigned]).toEqual([false, true]);
    expect(found.names).toEqual(['localhost', '127.0.0.1', '0:0:0:0:0:0:0:1']);
  });

  test('a name that holds commas and quotes stays one name', async () => {
    await using folder = await tempFolder();
    const names = 'DNS:a.test,URI:http://x/?a=1%2CDNS:evil.test';
    const { certificatePem } = await makeByOpenssl(folder.path, { name: 'odd', names });
    expect(certificateOf(certificatePem).names).toEqual(['a.test', 'http://x/?a=1%2CDNS:evil.test']);
  });

  test('who has signed it is a matter of keys, not of names', async () => {
    const [real, namesake] = [await makeCertificateAuthority('CA'), await makeCertificateAuthority('CA')];
    const leaf = certificateOf((await real.issue()).certificatePem);
    expect(isIssuedBy(leaf, certificateOf(real.certificatePem))).toBe(true);
    expect(isIssuedBy(leaf, certificateOf(namesake.certificatePem))).toBe(false);
  });

  test('counts days as people do', async () => {
    const nowMs = Date.parse('2026-06-01T12:00:00Z');
    const made = async (from: number, until: number) =>
      certificateOf(
        (
          await makeSelfSigned({
            notBefore: new Date(nowMs + from * DAY_MS),
            notAfter: new Date(nowMs + until * DAY_MS),
          })
        ).certificatePem,
      );
    const [good, expired, early] = [await made(-1, 10), await made(-10, -2), await made(1, 10)];
    expect([good, expired, early].map((each) => validityAt(each, nowMs))).toEqual([
      'valid',
      'expired',
      'not yet valid',
    ]);
    expect([daysLeft(good, nowMs), daysLeft(expired, nowMs)]).toEqual([10, -2]);
  });
});
