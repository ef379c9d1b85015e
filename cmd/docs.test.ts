import { access, readdir, readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { configExample } from '../fixtures/config-examples.ts';
import { docsPages } from '../fixtures/docs-page.ts';
import { invocationProblem, invocationsOf } from '../fixtures/invocations.ts';
import { loadBenchConfig } from '../src/bench/bench-config.ts';
import { loadConfig } from '../src/config/load-config.ts';
import { COMMANDS } from './cli.ts';

const ROOT = join(import.meta.dirname, '..');
const pages = await docsPages();

test.each(['docs/troubleshooting.md', 'docs/tls.md'])('%s quotes what the program says', async (file) => {
  const source = await sourceText();
  const quoted = quotedMessages(await readFile(join(ROOT, file), 'utf8'));
  expect(quoted.length).toBeGreaterThan(5);
  expect(quoted.filter((text) => !source.includes(text))).toEqual([]);
});

test('docs/operating.md has every event of the log, with its level', async () => {
  const logger = await readFile(join(ROOT, 'src', 'telemetry', 'logger.ts'), 'utf8');
  const [, levels = ''] = /function levelOf[^{]*\{([\s\S]*?)\n\}/.exec(logger) ?? [];
  const logged = levels.split(/return '(\w+)';/);
  const wanted = logged.flatMap((cases, index) =>
    Array.from(cases.matchAll(/case '([a-z-]+)':/g), ([, kind]) => `${kind} ${logged[index + 1]}`),
  );
  expect(wanted.length).toBeGreaterThan(20);
  const page = await readFile(join(ROOT, 'docs', 'operating.md'), 'utf8');
  const [, table = ''] = /^\| event [\s\S]*?\n\| -[^\n]*\n([\s\S]*?)\n\n/m.exec(page) ?? [];
  const told = table.split('\n').flatMap((row) => {
    const [, events = '', level = ''] = row.split(' | ').length > 2 ? ['', ...row.split(' | ')] : [];
    const each = level.trim().split(', ');
    return Array.from(
      events.matchAll(/`([a-z-]+)`/g),
      ([, kind], index) => `${kind} ${each[index] ?? each[0]}`,
    );
  });
  expect(told.toSorted()).toEqual(wanted.toSorted());
});

describe.each(pages)('$file', (page) => {
  test('names only commands and options that there are', () => {
    const problems = invocationsOf(page).flatMap((invocation) => {
      const problem = invocationProblem(invocation, COMMANDS);
      return problem === undefined ? [] : [`${page.file}:${invocation.line}: ${problem}`];
    });
    expect(problems).toEqual([]);
  });

  test('runs only scripts of npm that there are', async () => {
    const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
    const said = [...page.blocks, ...page.spans].map(({ text }) => text).join('\n');
    const named = Array.from(said.matchAll(/npm run (?:--silent )?([a-z:-]+)/g), ([, name = '']) => name);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  test('shows only configurations that are valid', async () => {
    for (const block of page.blocks.filter(({ language }) => language === 'yaml')) {
      const example = configExample(block);
      if (example.kind === 'other') continue;
      // What is named beside it need not be there: a password file holds something.
      const readFile = async (path: string): Promise<string> =>
        path === page.file ? example.text : 'secret';
      const read =
        example.kind === 'bench'
          ? loadBenchConfig(page.file, readFile)
          : loadConfig({ file: page.file, env: {}, readFile });
      await expect(read, `line ${block.line}`).resolves.toBeDefined();
    }
  });

  test('links only to what is there', async () => {
    const missing: string[] = [];
    for (const { text: target, line } of page.links) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page.file : normalize(join(dirname(page.file), path));
      const isThere = await access(join(ROOT, file)).then(
        () => true,
        () => false,
      );
      const anchors = pages.find((other) => other.file === file)?.anchors;
      if (!isThere || (anchor !== undefined && anchors?.includes(anchor) !== true)) {
        missing.push(`${page.file}:${line}: ${target}`);
      }
    }
    expect(missing).toEqual([]);
  });
});

/** From the first column of tables under `the log says` or `it says`, in pieces where something is left out. */
function quotedMessages(text: string): readonly string[] {
  const messages: string[] = [];
  let isQuoting = false;
  for (const line of text.split('\n')) {
    const [, cell = ''] = /^\| (.*?) +\|/.exec(line) ?? [];
    if (!line.startsWith('|')) isQuoting = false;
    else if (/^(?:the log|it) says$/.test(cell)) isQuoting = true;
    else if (isQuoting) messages.push(...Array.from(cell.matchAll(/`([^`]+)`/g), ([, code = '']) => code));
  }
  const pieces = messages
    .flatMap((message) => message.split('…'))
    .map((piece) => piece.replaceAll(/^[\s:]+|\s+$/g, ''));
  return pieces.filter((piece) => piece.length > 4);
}

async function sourceText(): Promise<string> {
  const names = await readdir(join(ROOT, 'src'), { recursive: true });
  const files = names.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  const texts = await Promise.all(files.map(async (name) => readFile(join(ROOT, 'src', name), 'utf8')));
  return texts.join('\n');
}
