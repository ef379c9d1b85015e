import { describe, expect, test } from 'vitest';
import { COMMANDS } from './cli.ts';
import { configExample } from '../fixtures/config-examples.ts';
import { readPage } from '../fixtures/docs-page.ts';
import { machinesOf } from '../fixtures/docs-run.ts';
import { showsAs } from '../fixtures/expected-output.ts';
import { invocationProblem, invocationsOf } from '../fixtures/invocations.ts';
import { shellCommands } from '../fixtures/shell-words.ts';

const FENCE = '```';

const problemsOf = (text: string): readonly (string | undefined)[] =>
  invocationsOf(readPage('x.md', text)).map((each) => invocationProblem(each, COMMANDS));
const block = (language: string, text: string): string => `${FENCE}${language}\n${text}\n${FENCE}\n`;

describe('a page', () => {
  test('is read with its blocks, spans, headings and links, each with its line', () => {
    const text = [
      '# The *first*, `x` & [last](a.md)',
      'Some `code\nover lines` and ``a ` tick``, [a link](b.md#c), `no [link](x.md)`. <!-- Ctrl-C asia -->',
      '## Again',
      '## Again',
      `1. in a list:\n\n   ${FENCE}sh run=asia exit=1\n   one\n     two\n   ${FENCE}`,
    ].join('\n');
    const page = readPage('x.md', text);
    expect(page.anchors).toEqual(['the-first-x--last', 'again', 'again-1']);
    expect(page.spans.map(({ text: span }) => span)).toEqual([
      'x',
      'code over lines',
      'a ` tick',
      'no [link](x.md)',
    ]);
    expect(page.links).toEqual([
      { text: 'a.md', line: 1 },
      { text: 'b.md#c', line: 3 },
    ]);
    expect(page.comments).toEqual([{ text: 'Ctrl-C asia', line: 3 }]);
    expect(page.blocks).toEqual([
      {
        language: 'sh',
        notes: new Map([
          ['run', 'asia'],
          ['exit', '1'],
        ]),
        text: 'one\n  two\n',
        line: 8,
      },
    ]);
    expect(machinesOf(page)).toEqual(['asia']);
    expect(() => readPage('x.md', `${FENCE}sh\nno end`)).toThrow(/not closed/);
  });
});

describe('shell', () => {
  test('is split into simple commands', () => {
    const text = `A=1 regcache serve -c "a b.yml" > out 2>&1 && cd 'x y'; # regcache no
sudo regcache certs bundle a.pem \\
  --out b.pem | tee log & f() { regcache "$(cat x)"; }`;
    expect(shellCommands(text)).toEqual([
      ['A=1', 'regcache', 'serve', '-c', 'a b.yml'],
      ['cd', 'x y'],
      ['sudo', 'regcache', 'certs', 'bundle', 'a.pem', '--out', 'b.pem'],
      ['tee', 'log'],
      ['f'],
      ['regcache', '$(cat x)'],
    ]);
  });
});

describe('an invocation', () => {
  test.each([
    'regcache serve --config config.yml',
    'REGISTRY_HTTP_ADDR=:6000 regcache config check -c config.yml --json',
    'sudo regcache certs dev a b,c --out=certs',
    'dist/regcache.mjs --version',
    'regcache bench "china>asia" --require "china.warm.p95<2s"',
    'x | regcache doctor --watch > /dev/null',
  ])('%s is understood', (text) => {
    expect(problemsOf(block('sh', text))).toEqual([undefined]);
  });

  test.each([
    ['regcache srve', 'there is no command srve'],
    ['regcache certs bundel', 'there is no command certs bundel'],
    ['true && regcache serve --cnfig x', 'serve has no option --cnfig'],
    ['regcache serve a b', 'serve takes at most 1 words'],
    ['regcache serve --config', '--config has no value'],
    ['regcache certs dev', 'dev <hosts..>: a word is missing'],
    ['regcache certs install ca.pem', '--client is missing'],
  ])('%s is not: %s', (text, problem) => {
    expect(problemsOf(block('sh', text))).toEqual([problem]);
  });

  test('is found in sentences, where something may be left out', () => {
    expect(
      problemsOf('`regcache certs …`, `regcache clients --into`, `regcache COMMAND`, `regcache`'),
    ).toEqual([undefined, undefined]);
    expect(problemsOf('say `regcache\nserv`')).toEqual(['there is no command serv']);
  });
});

describe('a configuration that is shown in part', () => {
  const example = (text: string) => configExample({ language: 'yaml', notes: new Map(), line: 1, text });

  test.each([
    ['http: {addr: ":1"}', 'http'],
    ['storage: {delete: {enabled: false}}', 'storage'],
    ['blobttl: 24h', 'options'],
    ['upstreamhosts: [https://a.test]', 'upstreams'],
  ])('%s is completed', (text, place) => {
    expect(example(text)).toMatchObject({
      kind: 'config',
      text: expect.stringContaining(`"${place}"`) as string,
    });
  });

  test('is told from other things, and from nonsense', () => {
    expect(example('apiVersion: v1\nkind: Service').kind).toBe('other');
    expect(example('version: 1\nrounds: 6').kind).toBe('bench');
    expect(() => example('htp: {addr: 1}')).toThrow(/no part of a configuration has all of htp/);
  });
});

describe('output that is shown', () => {
  test.each([
    ['a\nb\n', 'a\nb', 'all', true],
    ['a  \r\n\u001B[31mb\u001B[0m\n', 'a\nb', 'all', true],
    ['a\nx\ny\nb\n', 'a\n…\nb', 'all', true],
    ['a\nb\n', 'a\n…\nb', 'all', true],
    ['took 12 ms.\n', 'took … ms.', 'all', true],
    ['a\nb\nc\n', 'a\n…', 'all', true],
    ['a\nb\nc\n', 'a\nb', 'all', false],
    ['x\na\nb\n', 'a\nb', 'all', false],
    ['x\na\nb\ny\n', 'a\nb', 'some', true],
    ['xa\n', 'a', 'some', false],
    ['took 12 s.\n', 'took … ms.', 'all', false],
    ['', 'a', 'all', false],
  ] as const)('%j shows as %j (%s): %s', (said, shown, how, isSo) => {
    expect(showsAs(said, shown, how)).toBe(isSo);
  });
});
