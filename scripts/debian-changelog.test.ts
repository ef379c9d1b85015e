import { expect, it } from 'vitest';
import { debianChangelog } from './debian-changelog.ts';

const CHANGES = `# Changes

## Unreleased

- \`regcache serve\`: a caching registry that chains, each hop with TLS;
  blobs are fetched once and served while they arrive, whoever asks for them.
- SIGHUP reads the configuration again.

## 0.1.0

- The first one.
`;

it('tells the newest changes, in lines that a terminal holds', () => {
  const release = {
    version: '0.2.0',
    maintainer: 'A Person <a@example.com>',
    date: new Date('2026-03-01T12:00:00Z'),
  };
  expect(debianChangelog(CHANGES, release)).toBe(`regcache (0.2.0) unstable; urgency=medium

  * \`regcache serve\`: a caching registry that chains, each hop with TLS; blobs
    are fetched once and served while they arrive, whoever asks for them.
  * SIGHUP reads the configuration again.

 -- A Person <a@example.com>  Sun, 01 Mar 2026 12:00:00 +0000
`);
});
