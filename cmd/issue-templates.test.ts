import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readPage } from '../fixtures/docs-page.ts';
import { invocationProblem, invocationsOf } from '../fixtures/invocations.ts';
import { COMMANDS } from './cli.ts';

const ROOT = join(import.meta.dirname, '..');
const TEMPLATES = join(ROOT, '.github', 'ISSUE_TEMPLATE');
/** What GitHub takes for an issue form, as far as it is used here. */
const Form = z.object({
  name: z.string(),
  description: z.string(),
  labels: z.array(z.string()),
  body: z.array(
    z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('markdown'), attributes: z.strictObject({ value: z.string() }) }),
      z.strictObject({
        type: z.enum(['textarea', 'input', 'dropdown']),
        id: z.string(),
        attributes: z.strictObject({
          label: z.string(),
          description: z.string().optional(),
          placeholder: z.string().optional(),
          render: z.string().optional(),
          options: z.array(z.string()).optional(),
        }),
        validations: z.strictObject({ required: z.boolean() }).optional(),
      }),
    ]),
  ),
});

describe.each(await readdir(TEMPLATES))('the issue template %s', (name) => {
  const read = async (): Promise<z.infer<typeof Form>> =>
    Form.parse(load(await readFile(join(TEMPLATES, name), 'utf8')));

  test('asks for what the program can tell', async () => {
    const asked = (await read()).body.flatMap((field) =>
      field.type === 'markdown' ? [] : [`\`${field.attributes.label}\``],
    );
    expect(new Set(asked).size).toBe(asked.length);
    for (const invocation of invocationsOf(readPage(name, asked.join('\n\n')))) {
      expect(invocationProblem(invocation, COMMANDS)).toBeUndefined();
    }
  });

  test('links to what is there', async () => {
    const text = await readFile(join(TEMPLATES, name), 'utf8');
    const targets = Array.from(
      text.matchAll(/\]\(\.\.\/blob\/HEAD\/([^)]+)\)/g),
      ([, target = '']) => target,
    );
    expect(targets).not.toEqual([]);
    for (const target of targets) await access(join(ROOT, target));
  });
});
