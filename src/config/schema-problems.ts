import type { z } from 'zod';
import { type ConfigPath, PlainScalar } from './config-node.ts';
import type { Problem } from './problem.ts';
import { knownKeys, schemaAt } from './schema-path.ts';
import { describeKind } from './schema-values.ts';
import { didYouMean } from './suggestion.ts';

/**
 * What a value has wrong by its schema, in the operator's words.
 * @param value what was decoded: the messages say what stands there, never its text
 */
export function schemaProblems(
  schema: z.core.$ZodType,
  value: unknown,
  error: z.ZodError,
): readonly Problem[] {
  return error.issues.flatMap((issue) => problemsOf(issue, [], schema, value));
}

function problemsOf(
  issue: z.core.$ZodIssue,
  above: readonly PropertyKey[],
  schema: z.core.$ZodType,
  root: unknown,
): readonly Problem[] {
  const path = [...above, ...issue.path];
  const scalar = scalarOn(root, path, issue.code === 'unrecognized_keys');
  if (scalar !== undefined) return [{ path: configPath(scalar), message: 'must be a mapping, is text' }];
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schemaAt(schema, path));
    return issue.keys.map((key) => ({
      path: configPath([...path, key]),
      message: `unknown key${didYouMean(key, known)}`,
    }));
  }
  if (issue.code === 'invalid_union') {
    const branch = chooseBranch(issue.errors, valueAt(root, path));
    if (branch !== undefined) return branch.flatMap((inner) => problemsOf(inner, path, schema, root));
    return [{ path: configPath(path), message: `must be text or a mapping, is ${kindAt(root, path)}` }];
  }
  if (issue.code === 'invalid_key') {
    return [{ path: configPath(path), message: issue.issues.map((inner) => inner.message).join(', ') }];
  }
  return [{ path: configPath(path), message: messageOf(issue, root, path) }];
}

function messageOf(issue: z.core.$ZodIssue, root: unknown, path: readonly PropertyKey[]): string {
  if (issue.code !== 'invalid_type') return issue.message;
  if (valueAt(root, path) === undefined) return 'is required';
  return `must be ${issue.expected === 'array' ? 'a list' : 'a mapping'}, is ${kindAt(root, path)}`;
}

/** Where a path leads through a scalar, which the schema could only take for a mapping. */
function scalarOn(
  root: unknown,
  path: readonly PropertyKey[],
  toItsEnd: boolean,
): readonly PropertyKey[] | undefined {
  const length = path.findIndex((_, index) => valueAt(root, path.slice(0, index)) instanceof PlainScalar);
  if (length >= 0) return path.slice(0, length);
  return toItsEnd && valueAt(root, path) instanceof PlainScalar ? path : undefined;
}

/** The branch of a union of text and mapping that the written value was meant for. */
function chooseBranch(
  branches: readonly (readonly z.core.$ZodIssue[])[],
  value: unknown,
): readonly z.core.$ZodIssue[] | undefined {
  const kind = describeKind(value);
  if (kind === 'a list') return undefined;
  return branches.find((issues) => {
    const wantsMapping = issues.some((issue) => issue.code === 'invalid_type' && issue.path.length === 0);
    const wantsText = issues.some((issue) => issue.code === 'custom' && issue.path.length === 0);
    return kind === 'text' ? !wantsMapping : !wantsText;
  });
}

function kindAt(root: unknown, path: readonly PropertyKey[]): string {
  return describeKind(valueAt(root, path));
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    root,
  );
}

function configPath(path: readonly PropertyKey[]): ConfigPath {
  return path.map((key) => (typeof key === 'number' ? key : String(key)));
}
