import { readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { Visitor } from '@swc/core/Visitor.js';
import { cruise, type IAllowedRuleType, type ICruiseResult } from 'dependency-cruiser';

/** What the files of one layer may import; what is not listed is forbidden. */
interface Layer {
  readonly name: string;
  /** The layer's files, as a pattern over paths from the project's root. */
  readonly files: string;
  /** Names of layers it may import, beside itself. */
  readonly imports: readonly string[];
  /** Names of layers it may import types of. */
  readonly types?: readonly string[];
  /** Files of coded errors that it may tell apart by `instanceof`. */
  readonly errors?: readonly string[];
  /** Packages it may import; `*` is any. */
  readonly packages?: readonly string[];
  /** Whether it may do input and output: Node's own modules. */
  readonly node?: boolean;
}

const BOTTOM = ['oci', 'async', 'user-error'] as const;
const TEST = '[.]test[.]tsx?$';

/** The import law: control goes right and down, `docs` and the layers' own pages say why. */
const LAYERS: readonly Layer[] = [
  { name: 'oci', files: folder('oci'), imports: [] },
  { name: 'async', files: folder('async'), imports: [], node: true },
  { name: 'user-error', files: '^src/user-error[.]ts$', imports: [] },
  {
    name: 'telemetry',
    files: folder('telemetry'),
    imports: BOTTOM,
    packages: ['pino', 'pino-pretty', 'prom-client'],
    node: true,
  },
  {
    name: 'store',
    files: folder('store'),
    imports: [...BOTTOM, 'telemetry'],
    packages: ['lru-cache'],
    node: true,
  },
  {
    name: 'upstream',
    files: folder('upstream'),
    imports: [...BOTTOM, 'telemetry'],
    packages: ['undici', 'tldts', 'lru-cache'],
    node: true,
  },
  {
    name: 'cache',
    files: folder('cache'),
    imports: [...BOTTOM, 'telemetry'],
    types: ['store', 'upstream'],
    errors: ['^src/store/store-write-error[.]ts$', '^src/upstream/error[.]ts$'],
    packages: ['lru-cache'],
    node: true,
  },
  { name: 'access', files: folder('access'), imports: [...BOTTOM, 'telemetry', 'cache'], node: true },
  {
    name: 'http',
    files: folder('http'),
    imports: [...BOTTOM, 'telemetry', 'cache', 'access'],
    packages: ['lru-cache'],
    node: true,
  },
  {
    name: 'tracing',
    files: folder('tracing'),
    imports: [...BOTTOM, 'telemetry'],
    packages: ['@opentelemetry', 'undici'],
    node: true,
  },
  {
    name: 'config',
    files: folder('config'),
    imports: ['oci', 'user-error'],
    packages: ['js-yaml', 'zod', 'fastest-levenshtein'],
    node: true,
  },
  {
    name: 'control',
    files: folder('control'),
    imports: [...BOTTOM, 'telemetry'],
    packages: ['undici', 'lru-cache'],
    node: true,
  },
  {
    name: 'clients',
    files: folder('clients'),
    imports: ['oci', 'user-error'],
    types: ['config'],
    node: true,
  },
  {
    name: 'certs',
    files: folder('certs'),
    imports: [...BOTTOM, 'telemetry'],
    packages: ['@peculiar/x509', 'reflect-metadata', 'node-forge'],
    node: true,
  },
  { name: 'doctor', files: folder('doctor'), imports: [...BOTTOM, 'certs', 'upstream'], node: true },
  {
    name: 'bench',
    files: folder('bench'),
    imports: [...BOTTOM, 'telemetry', 'config', 'certs', 'upstream'],
    packages: ['tar-stream', 'zod'],
    node: true,
  },
  {
    name: 'daemon',
    files:
      '^src/(certificate-expiries|control-channel|daemon|daemon-facts|debug|health|health-checks|reload-plan|store-watch|stored-days)[.]ts$',
    imports: [
      ...BOTTOM,
      'telemetry',
      'store',
      'upstream',
      'cache',
      'access',
      'http',
      'config',
      'certs',
      'control',
      'tracing',
    ],
    node: true,
  },
  {
    name: 'cmd',
    files: '^cmd/',
    imports: [...BOTTOM, 'telemetry', 'config', 'clients', 'certs', 'doctor', 'bench', 'control', 'daemon'],
    packages: ['yargs', 'ink', 'react', 'js-yaml', 'fastest-levenshtein'],
    node: true,
  },
  { name: 'fixtures', files: '^fixtures/', imports: ['src'], types: ['cmd'], packages: ['*'], node: true },
  {
    name: 'scripts',
    files: '^scripts/',
    // Pages of the documentation are made of the commands.
    imports: ['src', 'fixtures', 'cmd'],
    packages: ['*'],
    node: true,
  },
];

const TARGETS: ReadonlyMap<string, string> = new Map([
  ['src', '^src/'],
  ...LAYERS.map((layer): [string, string] => [layer.name, layer.files]),
]);

/** What the law says about a tree. */
export interface ImportLawReport {
  /** As `src/store/a.ts -> src/upstream/b.ts`. */
  readonly violations: readonly string[];
  readonly moduleCount: number;
}

/**
 * Checks every import of the project at `root`.
 * @throws if the parser read another number of modules than there are files: a check of nothing passes
 */
export async function checkImportLaw(root: string): Promise<ImportLawReport> {
  teachUsing();
  const files = await sourceFiles(root);
  const { output } = await cruise([...new Set(files.map((file) => file.split('/', 1)[0] ?? file))], {
    baseDir: root,
    parser: 'swc',
    tsPreCompilationDeps: 'specify',
    preserveSymlinks: true,
    doNotFollow: { path: 'node_modules' },
    // Without these, a package that says only in `exports` where it begins counts as missing.
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'default'] },
    validate: true,
    ruleSet: { allowed: rules(), allowedSeverity: 'error' },
  });
  const result = resultOf(output);
  const own = result.modules.filter((module) => files.includes(module.source));
  if (own.length !== files.length) {
    throw new Error(`${own.length} modules were read of ${files.length} files: the parser is not working`);
  }
  const violations = result.summary.violations.map(({ from, to }) => `${from} -> ${to}`);
  return { violations: [...new Set(violations)].toSorted(), moduleCount: own.length };
}

/** swc parses `await using`, but its visitor gives up there: it is a `const` as far as imports go. */
function teachUsing(): void {
  const visit = Reflect.get(Visitor.prototype, 'visitStatement');
  if (visit.name === 'visitStatementOrUsing') return;
  Visitor.prototype.visitStatement = function visitStatementOrUsing(statement) {
    const type: string = statement.type;
    if (type === 'UsingDeclaration') {
      const declarations: unknown = Reflect.get(statement, 'decls');
      Object.assign(statement, { type: 'VariableDeclaration', declarations });
    }
    return visit.call(this, statement);
  };
}

function folder(name: string): string {
  return `^src/${name}/`;
}

function rules(): IAllowedRuleType[] {
  const allowed: IAllowedRuleType[] = LAYERS.flatMap((layer) => rulesOf(layer));
  allowed.push(
    { from: { path: TEST }, to: { path: '^(src|fixtures|node_modules)/', pathNot: TEST } },
    { from: { path: TEST }, to: { dependencyTypes: ['core'] } },
  );
  return allowed;
}

function rulesOf(layer: Layer): IAllowedRuleType[] {
  const from = { path: layer.files };
  const allowed: IAllowedRuleType[] = [layer.name, ...layer.imports].map((name) => ({
    from,
    to: { path: TARGETS.get(name) ?? name, pathNot: TEST },
  }));
  for (const name of layer.types ?? []) {
    const path = TARGETS.get(name) ?? name;
    allowed.push({ from, to: { path, dependencyTypes: ['type-only', 'type-import'] } });
  }
  for (const path of layer.errors ?? []) allowed.push({ from, to: { path } });
  for (const name of layer.packages ?? []) {
    const path = name === '*' ? '^node_modules/' : `^node_modules/(@types/)?${name}/`;
    allowed.push({ from, to: { path } });
  }
  if (layer.node === true) allowed.push({ from, to: { dependencyTypes: ['core'] } });
  return allowed;
}

function resultOf(output: ICruiseResult | string): ICruiseResult {
  if (typeof output === 'string') throw new Error(`dependency-cruiser answered in words: ${output}`);
  return output;
}

async function sourceFiles(root: string): Promise<readonly string[]> {
  const files: string[] = [];
  for (const top of ['src', 'cmd', 'fixtures', 'scripts']) {
    const names = await readdir(join(root, top), { recursive: true }).catch(() => []);
    const sources = names.filter((name) => /[.]tsx?$/.test(name));
    files.push(...sources.map((name) => `${top}/${name.replaceAll(sep, '/')}`));
  }
  return files;
}

if (import.meta.main) {
  const report = await checkImportLaw(join(import.meta.dirname, '..'));
  for (const violation of report.violations) console.error(`✖ ${violation} is not allowed`);
  console.log(`${report.moduleCount} modules, ${report.violations.length} forbidden imports`);
  process.exitCode = report.violations.length === 0 ? 0 : 1;
}
