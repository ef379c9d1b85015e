import { UserError } from '../user-error.ts';
import { type ConfigNode, type ConfigPath, formatPath, type Origin, originAt } from './config-node.ts';

/** Something about one key: what is wrong with it, or what it will not do. */
export interface Problem {
  readonly path: ConfigPath;
  /** What is so, and what to do: never a secret. */
  readonly message: string;
  /** Where it was written, if the path cannot tell. */
  readonly origin?: Origin;
}

/** One line for each: where, which key, what; in the order of the file, variables last. */
export function formatProblems(
  problems: readonly Problem[],
  root: ConfigNode,
  file: string,
): readonly string[] {
  const placed = problems.map((problem) => {
    const origin = problem.origin ?? originAt(root, problem.path);
    return { origin, text: [place(origin, file), formatPath(problem.path), problem.message] };
  });
  placed.sort((one, other) => line(one.origin) - line(other.origin));
  return [...new Set(placed.map(({ text }) => text.filter((part) => part !== '').join(': ')))];
}

function place(origin: Origin | undefined, file: string): string {
  if (origin === undefined) return file;
  return origin.kind === 'variable' ? origin.name : `${origin.file}:${origin.line}`;
}

function line(origin: Origin | undefined): number {
  if (origin === undefined) return 0;
  return origin.kind === 'variable' ? Number.MAX_SAFE_INTEGER : origin.line;
}

/** The one error for a configuration that cannot be run, one problem a line. */
export function configError(lines: readonly string[], cause?: unknown): UserError {
  return new UserError('CONFIG_INVALID', lines.join('\n'), { exitCode: 2, cause });
}
