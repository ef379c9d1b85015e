import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type ConfigNode, nodeAt, type Origin, PlainScalar, toPlain } from './config-node.ts';
import { parseYaml, YamlError } from './yaml-source.ts';

const originOf = (line: number): Origin => ({ kind: 'file', file: 'config.yml', line });
const read = (text: string): ConfigNode => parseYaml(text, originOf);
const lineAt = (root: ConfigNode, path: readonly (string | number)[]): number | undefined => {
  const origin = nodeAt(root, path)?.origin;
  return origin?.kind === 'file' ? origin.line : undefined;
};

describe('a YAML file', () => {
  it('keeps the line of every key and item', () => {
    const root = read(
      '# first\nversion: 0.1\nhttp:\n  addr: :5000\n\n  tls:\n    clientcas:\n      - /a\n      - {b: 1}\n',
    );
    expect(lineAt(root, ['version'])).toBe(2);
    expect(lineAt(root, ['http'])).toBe(3);
    expect(lineAt(root, ['http', 'addr'])).toBe(4);
    expect(lineAt(root, ['http', 'tls'])).toBe(6);
    expect(lineAt(root, ['http', 'tls', 'clientcas', 0])).toBe(8);
    expect(lineAt(root, ['http', 'tls', 'clientcas', 1, 'b'])).toBe(9);
  });

  it('counts lines that end as on Windows', () => {
    expect(lineAt(read('a: 1\r\nb: 2\r\n'), ['b'])).toBe(2);
  });

  it('has the booleans of YAML 1.1', () => {
    const { a, b, c, d } = Object(toPlain(read('a: yes\nb: off\nc: "yes"\nd: true')));
    expect([a, b, c, d]).toEqual([
      new PlainScalar('yes', true),
      new PlainScalar('off', false),
      'yes',
      new PlainScalar('true', true),
    ]);
  });

  it('keeps what a number was written as', () => {
    expect(toPlain(read('password: 0123'))).toEqual({ password: new PlainScalar('0123', 83) });
    expect(toPlain(read('version: 0.1'))).toEqual({ version: new PlainScalar('0.1', 0.1) });
    expect(toPlain(read('text: !!str 0123'))).toEqual({ text: '0123' });
  });

  it('takes null for left out', () => {
    expect(toPlain(read('a:\nb: ~\nc: null\nd: ""'))).toEqual({
      a: undefined,
      b: undefined,
      c: undefined,
      d: '',
    });
  });

  it.each(['', '# nothing', '---\n'])('may be empty: %j', (text) => {
    expect(toPlain(read(text))).toBeUndefined();
  });

  it('may name a part once and use it again', () => {
    const root = read(
      'a: &limits {x: "1", y: "2"}\nb: *limits\nc: {<<: *limits, y: "3"}\nd: {<<: [{y: "4"}, *limits]}',
    );
    expect(toPlain(root)).toEqual({
      a: { x: '1', y: '2' },
      b: { x: '1', y: '2' },
      c: { x: '1', y: '3' },
      d: { x: '1', y: '4' },
    });
  });

  it.each([
    ['a: 1\nb: 2\na: 3', 3, 'the key `a` stands here twice'],
    ['a: [1', 1, 'unexpected end of the stream'],
    ['a: 1\n\tb: 2', 2, 'tab characters'],
    ['a: 1\nb: @x', 2, 'bad indentation'],
    ['a: *nobody', 1, 'an alias names no anchor'],
    ['a: 1\n---\nb: 2', 1, 'more than one document'],
    ['? [a]\n: b', 1, 'a key must be a plain word'],
    ['a: {<<: 5}', 1, 'only mappings can be merged'],
    ['a: 1\nb: !hunter2 x', 2, 'a tag (`!…`) that has no meaning here'],
    ['b: !hunter2 [x]', 1, 'a tag (`!…`) that has no meaning here'],
  ])('is refused: %j', (text, line, message) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ line, message: expect.stringContaining(message) }),
    );
  });

  it.each([
    'password: !hunter2',
    'password: !hunter2!x',
    'password: !<hunter2 ',
    'password: *hunter2',
    'password: "hunter2\nb: 1',
  ])('shows no value where it is refused: %j', (text) => {
    const failure = (): unknown => {
      try {
        return read(text);
      } catch (error) {
        return error;
      }
    };
    expect(failure()).toBeInstanceOf(YamlError);
    expect(inspect(failure(), { depth: 9, showHidden: true })).not.toContain('hunter2');
  });
});
