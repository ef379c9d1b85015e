import { type ConfigKey, configKeys } from './config-keys.ts';

const INTRODUCTION = `# Every key of config.yml

_Made by \`npm run docs\` from the schema that \`regcache config check\` uses. To begin, read [config.md](config.md)._

A key is written below its section: \`http.tls.certificate\` is \`certificate\` in \`tls\` in \`http\`. \`[]\` is one element of a list.
The variable beside a key overrides it; \`_0_\` in a variable is the first element of a list.

Durations are Go’s (\`24h\`, \`1h30m\`, \`90s\`); a bare number is _nanoseconds_. Sizes: \`MB\` is 10⁶ bytes, \`MiB\` is 2²⁰.
`;

/** docs/config-reference.md, not yet formatted. */
export function configReference(): string {
  const keys = configKeys();
  const used = keys.filter(({ refused, noEffect }) => refused === undefined && noEffect === undefined);
  const parts = sections(used).map(({ section, members }) => sectionText(section, members));
  return [INTRODUCTION, ...parts, refusedText(keys), noEffectText(keys)].join('\n');
}

interface Section {
  /** Undefined for the keys at the top. */
  readonly section: ConfigKey | undefined;
  readonly members: readonly ConfigKey[];
}

/** Mappings with the plain keys right below them; those that have none are left out. */
function sections(keys: readonly ConfigKey[]): readonly Section[] {
  const isPlain = ({ type }: ConfigKey): boolean => type !== undefined;
  const parents = new Map<string, ConfigKey[]>();
  for (const key of keys.filter(isPlain)) {
    const parent = parentOf(key.path);
    parents.set(parent, [...(parents.get(parent) ?? []), key]);
  }
  return Array.from(parents, ([path, members]) => ({
    section: keys.find((key) => key.path === path || key.path === path.replace(/\[\]$/, '')),
    members,
  }));
}

function parentOf(path: string): string {
  return path.includes('.') ? path.replace(/\.[^.]+$/, '') : '';
}

function sectionText(section: ConfigKey | undefined, members: readonly ConfigKey[]): string {
  const [first] = members;
  const path = first === undefined ? '' : parentOf(first.path);
  const title = path === '' ? 'At the top' : path;
  const meaning = section === undefined || section.type !== undefined ? '' : `\n${section.meaning}\n`;
  return `## ${title}\n${meaning}\n${members.map(keyText).join('')}`;
}

function keyText({ path, type, fallback, isRequired, meaning, variable }: ConfigKey): string {
  const facts = [type ?? 'a mapping'];
  if (isRequired) facts.push('required');
  if (fallback !== undefined) facts.push(`default \`${fallback}\``);
  const name = path.slice(path.lastIndexOf('.') + 1);
  return `- **\`${name}\`** – ${facts.join('; ')}\\\n  ${meaning}\\\n  \`${variable}\`\n`;
}

function refusedText(keys: readonly ConfigKey[]): string {
  const rows = table(
    'until then',
    keys.map(({ path, refused }) => [path, refused]),
  );
  return `## Not built yet\n\nRefused, so that nothing looks as if it worked.\n\n${rows}\n`;
}

function noEffectText(keys: readonly ConfigKey[]): string {
  const rows = table(
    'why',
    keys.map(({ path, noEffect }) => [path, noEffect]),
  );
  return `## Without effect\n\nTaken from other registries’ configurations, with a warning.\n\n${rows}\n`;
}

/** Keys that have something said of them; those of which the same is said share a row. */
function table(title: string, said: readonly (readonly [path: string, text: string | undefined])[]): string {
  const rows = new Map<string, string[]>();
  for (const [path, text] of said) {
    if (text !== undefined) rows.set(text, [...(rows.get(text) ?? []), `\`${path}\``]);
  }
  const lines = Array.from(
    rows,
    ([text, paths]) => `| ${paths.join(', ')} | ${text.replaceAll('|', '\\|')} |`,
  );
  return `| key | ${title} |\n| --- | --- |\n${lines.join('\n')}`;
}
