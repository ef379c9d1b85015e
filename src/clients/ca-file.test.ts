import { describe, expect, it } from 'vitest';
import { makeCertificateAuthority } from '../certs/certificate-authority.ts';
import { checkCa } from './ca-file.ts';

describe('checkCa', () => {
  it('takes one certificate or several, with what is written around them', async () => {
    const one = (await makeCertificateAuthority()).certificatePem;
    const other = (await makeCertificateAuthority()).certificatePem;
    const text = `# the old one\n${one}# the new one\n${other}`;
    expect(checkCa(one, 'ca.pem')).toBe(one);
    expect(checkCa(text, 'ca.pem')).toBe(text);
    expect(checkCa(one.trimEnd(), 'ca.pem')).toBe(one);
    expect(checkCa(one.replaceAll('\n', '\r\n'), 'ca.pem')).toContain('BEGIN CERTIFICATE');
  });

  it('refuses a file that holds a private key: every client would get it', async () => {
    const { certificatePem, keyPem } = await (await makeCertificateAuthority()).issue();
    expect(() => checkCa(certificatePem + keyPem, 'all.pem')).toThrow(
      expect.objectContaining({
        code: 'CA_INVALID',
        value: 'all.pem',
        message: '--ca all.pem holds a private key',
      }),
    );
  });

  it.each([
    ['', 'holds no certificate'],
    ['not PEM at all', 'holds no certificate'],
    ['-----BEGIN CERTIFICATE-----\nMIIB\n', 'holds no certificate'],
    ['-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n', 'cannot be read, number 1'],
  ])('refuses %j', (text, problem) => {
    expect(() => checkCa(text, 'ca.pem')).toThrow(
      expect.objectContaining({
        code: 'CA_INVALID',
        exitCode: 2,
        message: expect.stringContaining(problem) as string,
        hint: expect.any(String) as string,
      }),
    );
  });

  it('names the one certificate of several that is damaged', async () => {
    const good = (await makeCertificateAuthority()).certificatePem;
    const damaged = good.replace(/^.{64}$/m, 'A'.repeat(64));
    expect(() => checkCa(good + damaged, 'ca.pem')).toThrow('cannot be read, number 2');
  });
});
