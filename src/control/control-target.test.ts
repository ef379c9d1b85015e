import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { UserError } from '../user-error.ts';
import { controlTargetText, parseControlTarget } from './control-target.ts';

test.each([
  ['/run/a.sock', undefined, { kind: 'socket', path: '/run/a.sock' }],
  ['unix:///run/a.sock', undefined, { kind: 'socket', path: '/run/a.sock' }],
  ['unix:/run/a.sock', undefined, { kind: 'socket', path: '/run/a.sock' }],
  ['store/a.sock', undefined, { kind: 'socket', path: resolve('store/a.sock') }],
  ['china=/run/a=b.sock', 'china', { kind: 'socket', path: '/run/a=b.sock' }],
  ['/run/a=b.sock', undefined, { kind: 'socket', path: '/run/a=b.sock' }],
  ['http://127.0.0.1:5001', undefined, { kind: 'http', url: 'http://127.0.0.1:5001' }],
  ['asia-2=https://Asia.Example.com/', 'asia-2', { kind: 'http', url: 'https://asia.example.com' }],
  ['a=http://[::1]:5001/', 'a', { kind: 'http', url: 'http://[::1]:5001' }],
])('%s names a daemon', (text, name, target) => {
  expect(parseControlTarget(text)).toEqual({ name, target });
});

test.each([
  ['china=', 'names no socket'],
  ['', 'names no socket'],
  ['http://', 'is no URL'],
  ['http://user:secret@asia.example.com:5001', 'has a user'],
  ['http://asia.example.com:5001/metrics', 'has a path'],
  ['asia=ftp://asia.example.com', 'is neither a socket nor an http URL'],
  ['asia=asia.example.com:5001', 'has no scheme'],
])('%j names none', (text, problem) => {
  const act = (): unknown => parseControlTarget(text);
  expect(act).toThrow(UserError);
  expect(act).toThrow(problem);
});

test('a target is shown as it was meant', () => {
  expect(controlTargetText({ kind: 'socket', path: '/run/a.sock' })).toBe('/run/a.sock');
  expect(controlTargetText({ kind: 'http', url: 'http://asia:5001' })).toBe('http://asia:5001');
});
