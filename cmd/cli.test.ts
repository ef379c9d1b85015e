import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it, vi } from 'vitest';
import { memoryTerminal } from '../fixtures/memory-terminal.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';
import { UserError } from '../src/user-error.ts';
import { runCli } from './cli.ts';
import { reportError } from './terminal.ts';

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Run> {
  const { terminal, out, err } = memoryTerminal(env);
  let code: number;
  try {
    code = await runCli(args, terminal);
  } catch (error) {
    code = reportError(error, terminal);
  }
  return { code, out: out(), err: err() };
}

const CONFIG = `version: 0.1
storage: {filesystem: {rootdirectory: /var/lib/registry}}
http: {addr: ':5000', secret: hush-hush}
middleware:
  registry:
    - name: downstream
      options:
        upstreams:
          - originhost: https://dtr.example.com
            username: robot
            password: s3cret
`;

async function withConfig(text: string, use: (file: string) => Promise<void>): Promise<void> {
  await using folder = await tempFolder('cli');
  const file = join(folder.path, 'config.yml');
  await writeFile(file, text);
  await use(file);
}

describe('help', () => {
  it('names the commands and the exit codes', async () => {
    const { code, out, err } = await run(['--help']);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('regcache serve [file]');
    expect(out).toContain('regcache config');
    expect(out).toContain('Exit codes: 0 all is well, 1 the work failed, 2');
  });

  it.each([
    [['serve', '--help'], 'regcache serve --config config.yml'],
    [['config', 'check', '-h'], 'regcache config check --config config.yml'],
  ])('of %s has examples', async (args, example) => {
    const { code, out } = await run(args);
    expect(code).toBe(0);
    expect(out).toContain('Examples:');
    expect(out).toContain(example);
  });

  it('tells the version', async () => {
    for (const option of ['--version', '-V'])
      expect((await run([option])).out).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
  });

  it.each([[['--version', '--json']], [['serve', '--json', '-V']]])(
    'with %j tells what a report of a fault should say',
    async (args) => {
      const { code, out } = await run(args);
      expect(code).toBe(0);
      expect(JSON.parse(out)).toEqual({
        version: '0.0.0-source',
        commit: 'unknown',
        node: process.versions.node,
        platform: process.platform,
        arch: process.arch,
        program: 'sources',
      });
    },
  );

  it('is the same whatever language the machine speaks', async () => {
    vi.stubEnv('LC_ALL', 'de_DE.UTF-8');
    try {
      expect((await run(['--help'])).out).toContain('Show help');
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe('arguments that make no sense', () => {
  it.each([
    [['srve'], 'srve', 'did you mean serve?'],
    [['config', 'chek'], 'chek', 'did you mean check?'],
    [['serve', '--confg', 'x'], '--confg', 'did you mean --config?'],
    [['serve', '--confg=x'], '--confg', 'did you mean --config?'],
    [['config', 'check', '--jsno'], '--jsno', 'did you mean --json?'],
    [['xyzzy'], 'xyzzy', 'see regcache --help'],
    [['config', 'check', 'a.yml', 'b.yml'], 'b.yml', 'see regcache --help'],
  ])('%j: names %s and says %s', async (args, value, hint) => {
    const { terminal } = memoryTerminal();
    const error: unknown = await runCli(args, terminal).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UserError);
    expect(error).toMatchObject({
      code: 'USAGE',
      value,
      exitCode: 2,
      hint: expect.stringContaining(hint) as string,
    });
    const { code, out, err } = await run(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(`: ${value}\n`);
  });

  it.each([[[]], [['config']], [['serve', '--config']]])('%j asks for what is missing', async (args) => {
    const { code, out, err } = await run(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^regcache: .+\n {2}see regcache --help\n$/);
  });
});

describe('completion', () => {
  it('prints a script, and completes commands', async () => {
    const script = await run(['completion']);
    expect([script.code, script.err]).toEqual([0, '']);
    expect(script.out).toContain('regcache-completions');
    expect((await run(['--get-yargs-completions', 'regcache', ''])).out.split('\n')).toEqual(
      expect.arrayContaining(['serve', 'config']),
    );
  });
});

describe('config check', () => {
  it('prints the effective configuration as YAML, without secrets', async () => {
    await withConfig(CONFIG, async (file) => {
      const { code, out, err } = await run(['config', 'check', '--config', file]);
      expect(code).toBe(0);
      expect(err).toContain(`${file}: valid`);
      expect(load(out)).toMatchObject({ http: { addr: ':5000' } });
      expect(out).toContain('robot');
      for (const shown of [out, err]) expect(shown).not.toMatch(/s3cret|hush-hush/);
    });
  });

  it('prints JSON, with the environment’s overrides, for a file named without an option', async () => {
    await withConfig(CONFIG, async (file) => {
      const { code, out } = await run(['config', 'check', file, '--json'], { REGISTRY_HTTP_ADDR: ':6000' });
      expect(code).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ http: { addr: ':6000' } });
      expect(out).not.toMatch(/s3cret|hush-hush/);
    });
  });

  it('refuses a wrong file with all its problems, and one that is missing', async () => {
    await withConfig(CONFIG.replace('addr:', 'adr:').replace('originhost', 'origin'), async (file) => {
      const { code, out, err } = await run(['config', 'check', '-c', file]);
      expect([code, out]).toEqual([2, '']);
      expect(err).toContain('adr');
      expect(err).toContain('origin');
      expect(err).not.toContain('s3cret');
    });
    const missing = await run(['config', 'check', '/nowhere/config.yml']);
    expect([missing.code, missing.out]).toEqual([2, '']);
    expect(missing.err).toContain('/nowhere/config.yml');
  });
});

describe('serve', () => {
  it('refuses a configuration that cannot work before it listens', async () => {
    const { code, err } = await run(['serve', '--config', '/nowhere/config.yml']);
    expect(code).toBe(2);
    expect(err).toMatch(/^regcache: .*\/nowhere\/config\.yml/);
  });
});

describe('reportError', () => {
  it('takes what is no user’s mistake for a fault of the program, and says so', () => {
    const { terminal, err } = memoryTerminal();
    expect(reportError(new TypeError('x is undefined'), terminal)).toBe(1);
    expect(err()).toMatch(/please report it\nTypeError: x is undefined\n {4}at /);
    expect(reportError('odd', { ...terminal, colour: true })).toBe(1);
    expect(err()).toContain('\u001B[31m');
  });
});
