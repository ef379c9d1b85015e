import { expect, test } from 'vitest';
import { type Report, worstOf } from './finding.ts';
import { reportText } from './report-text.ts';

const MACHINE: Report = {
  name: 'this machine',
  role: 'machine',
  findings: [{ check: 'config', verdict: 'ok', seen: 'config.yml is valid' }],
  roundTripMs: undefined,
  server: undefined,
  behind: [],
};
const HOP: Report = {
  name: 'https://asia.test:5000',
  role: 'hop',
  findings: [
    { check: 'clock', verdict: 'warning', seen: 'an hour off', mend: 'timedatectl', expected: 'a minute' },
    { check: 'rate', verdict: 'note', seen: 'told \u001B[31mby the server\u0007' },
  ],
  roundTripMs: 81.26,
  server: 'regcache',
  behind: ['origin.test', 'europe:5000'],
};
const DOWN: Report = {
  ...HOP,
  name: 'https://down.test',
  role: 'origin',
  findings: [{ check: 'connect', verdict: 'failed', seen: 'refused', mend: 'start it:\n  now' }],
  roundTripMs: undefined,
  server: undefined,
  behind: [],
};

test('a report has a line a check, grouped by server, and the way up', () => {
  expect(reportText([MACHINE, HOP, DOWN], false)).toBe(`this machine
  ✔ config      config.yml is valid

https://asia.test:5000 (hop, regcache)
  ! clock       an hour off
                expected: a minute
                → timedatectl
  · rate        told ?[31mby the server?

https://down.test (origin)
  ✖ connect     refused
                → start it:
                    now

this machine ─ 81.3 ms ─ asia.test:5000 ─ europe:5000 ─ origin.test
this machine ─✖─ down.test

4 checks, 1 failed, 1 with a warning
`);
});

test('colours are for a terminal, and what is well is said', () => {
  expect(reportText([MACHINE], true)).toContain('\u001B[32m✔\u001B[0m');
  expect(reportText([MACHINE], false)).toMatch(/all is well: 1 checks\n$/);
});

test('the worst finding counts', () => {
  expect([worstOf([MACHINE]), worstOf([MACHINE, HOP]), worstOf([MACHINE, HOP, DOWN])]).toEqual([
    'ok',
    'warning',
    'failed',
  ]);
});
