import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../cmd/cli.ts';
import { parseYaml } from '../src/config/yaml-source.ts';
import { applyEnvironment } from '../src/config/environment.ts';
import { configSchema } from '../src/config/schema.ts';
import { runProgram } from './check-step.ts';
import { commandList, optionList } from './command-list.ts';
import { configKeys } from './config-keys.ts';
import { madePages } from './make-docs.ts';

const ROOT = join(import.meta.dirname, '..');

describe('pages that are made', () => {
  test('are as `npm run docs` would make them now', async () => {
    for (const { file, text } of await madePages()) {
      const held = await readFile(join(ROOT, file), 'utf8');
      expect(held === text, `${file} is not current: npm run docs`).toBe(true);
    }
  });

  test('have every command with every option', async () => {
    const [cli, , manual] = await madePages();
    const names = COMMANDS.flatMap((entry) =>
      'commands' in entry ? entry.commands.map(({ usage }) => `${entry.name} ${usage}`) : [entry.usage],
    );
    expect(commandList().map(({ usage }) => usage)).toEqual([...names, 'completion']);
    for (const { name, command } of commandList()) {
      expect(cli?.text).toContain(`## regcache ${name}\n`);
      expect(manual?.text).toContain(`regcache ${name.replaceAll('-', '\\-')}`);
      for (const { names: written } of optionList(command)) {
        expect(cli?.text).toContain(`\`${written[0]}\``);
        expect(manual?.text).toContain(String(written[0]).replaceAll('-', '\\-'));
      }
    }
  });
});

describe('the keys of the configuration', () => {
  test('each have a meaning and a variable that is known', () => {
    const keys = configKeys();
    expect(keys.length).toBeGreaterThan(100);
    expect(keys.filter(({ meaning }) => meaning === '').map(({ path }) => path)).toEqual([]);
    const root = parseYaml('version: 0.1', () => ({ kind: 'variable', name: 'x' }));
    for (const { variable } of keys.filter(({ type }) => type !== undefined)) {
      expect(applyEnvironment(root, { [variable]: '1' }, configSchema).warnings).toEqual([]);
    }
  });

  test('have their types and defaults as they are written', () => {
    const found = new Map(configKeys().map((key) => [key.path, key]));
    const options = 'middleware.registry[].options';
    expect(found.get('http.addr')).toMatchObject({ type: 'text', fallback: ':5000', isRequired: false });
    expect(found.get(`${options}.timeouts.headers`)).toMatchObject({ type: 'a duration', fallback: '25s' });
    expect(found.get(`${options}.ranges.minsize`)).toMatchObject({ type: 'a size', fallback: '16MiB' });
    expect(found.get(`${options}.upstreams[].balance`)?.type).toBe('`repository` or `roundrobin`');
    expect(found.get(`${options}.upstreams[].originhost`)).toMatchObject({ type: 'a URL', isRequired: true });
    expect(found.get(`${options}.cas`)?.variable).toBe('REGISTRY_MIDDLEWARE_REGISTRY_0_OPTIONS_CAS_0');
    expect(found.get('storage.s3')?.refused).toMatch(/file system/);
    expect(found.get('redis')?.noEffect).toMatch(/no database/);
  });
});

test('the manual page is what troff takes without a warning', async () => {
  const groff = ['-man', '-Tutf8', '-Kutf8', '-ww', '-z', join(ROOT, 'docs', 'regcache.1')];
  const { exitCode, output } = await runProgram('groff', groff);
  if (exitCode === 127) return;
  expect([exitCode, output]).toEqual([0, '']);
});
