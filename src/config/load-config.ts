import { buildConfig } from './build-config.ts';
import type { Config } from './config.ts';
import { type ConfigNode, findNodes, isOn, type Origin, replaceNode, toPlain } from './config-node.ts';
import { type ReadFile, readConfiguredFiles, reason } from './configured-files.ts';
import { effectiveConfig } from './effective-config.ts';
import { embeddedDefault } from './embedded-default.ts';
import { applyEnvironment, CONFIGURATION_PATH, type Environment } from './environment.ts';
import { findNoEffect } from './no-effect.ts';
import { configError, formatProblems } from './problem.ts';
import { findRefusals } from './refusals.ts';
import { checkRules } from './rules.ts';
import { configSchema } from './schema.ts';
import { schemaProblems } from './schema-problems.ts';
import { findWarnings } from './warnings.ts';
import { parseYaml, YamlError } from './yaml-source.ts';

export interface LoadConfigDeps {
  /** The file that `--config` names. */
  readonly file: string | undefined;
  readonly env: Environment;
  readonly readFile: ReadFile;
}

export interface LoadedConfig {
  readonly config: Config;
  /** What has no effect, or other than might be thought; a line each. */
  readonly warnings: readonly string[];
  /** The configuration in config.yml's own shape, with defaults and without secrets. */
  readonly effective: unknown;
  /** Where it came from, to be shown. */
  readonly source: string;
}

/**
 * Reads the configuration: the file, or the embedded default without one, and the environment over it.
 * @throws {UserError} CONFIG_INVALID with every problem, one a line
 */
export async function loadConfig(deps: LoadConfigDeps): Promise<LoadedConfig> {
  const { source, file, text } = await readSource(deps);
  const overridden = applyEnvironment(parse(text, file), deps.env, configSchema);
  const root = withoutDisabled(withMappings(overridden.root));
  const refusals = findRefusals(root);
  const noEffect = findNoEffect(root);
  const rest = [...refusals, ...noEffect].reduce(
    (tree, { path }) => replaceNode(tree, path, undefined),
    root,
  );
  const plain = toPlain(rest);
  const data = configSchema.safeParse(plain);
  const files = await readConfiguredFiles(root, deps.readFile);
  const problems = [
    ...refusals,
    ...(data.success ? [] : schemaProblems(configSchema, plain, data.error)),
    ...checkRules(root),
    ...files.problems,
  ];
  if (!data.success || problems.length > 0) throw configError(formatProblems(problems, root, file));
  const config = buildConfig(data.data, files.contents);
  return {
    config,
    warnings: [...formatProblems([...noEffect, ...findWarnings(root)], root, file), ...overridden.warnings],
    effective: effectiveConfig(data.data, config),
    source,
  };
}

async function readSource(
  deps: LoadConfigDeps,
): Promise<{ readonly source: string; readonly file: string; readonly text: string }> {
  const file = deps.file ?? (deps.env[CONFIGURATION_PATH] || undefined);
  if (file === undefined) {
    const source = 'the embedded default: no file was named by --config or REGISTRY_CONFIGURATION_PATH';
    return { source, file: 'embedded default', text: embeddedDefault(deps.env) };
  }
  try {
    return { source: file, file, text: await deps.readFile(file) };
  } catch (error) {
    const named = deps.file === undefined ? CONFIGURATION_PATH : '--config';
    throw configError([`${file}: cannot be read (${reason(error)}); check what ${named} names`], error);
  }
}

function parse(text: string, file: string): ConfigNode {
  const originOf = (line: number): Origin => ({ kind: 'file', file, line });
  try {
    const root = parseYaml(text, originOf);
    if (root.kind === 'mapping') return root;
    if (root.kind === 'list' || root.value !== null)
      throw configError([`${file}: must be a mapping of keys`]);
    return { kind: 'mapping', origin: root.origin, entries: new Map() };
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw configError([`${file}:${error.line}: ${error.message}`], error);
  }
}

/** Distribution reads `storage: filesystem` and `auth: none` as mappings with that one key. */
function withMappings(root: ConfigNode): ConfigNode {
  return ['storage', 'auth'].reduce((tree, key) => {
    const node = findNodes(tree, key)[0]?.node;
    if (node?.kind !== 'scalar' || node.value === null) return tree;
    const empty = { kind: 'scalar', origin: node.origin, text: '', value: null } as const;
    return replaceNode(tree, [key], {
      kind: 'mapping',
      origin: node.origin,
      entries: new Map([[node.text, empty]]),
    });
  }, root);
}

/** Leaves out middlewares that are switched off. */
function withoutDisabled(root: ConfigNode): ConfigNode {
  return findNodes(root, 'middleware.registry[].disabled')
    .filter(({ path }) => isOn(root, path))
    .reduce((tree, { path }) => replaceNode(tree, path.slice(0, -1), undefined), root);
}
