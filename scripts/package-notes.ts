import { basename } from 'node:path';
import type { Target, TargetName } from './package-target.ts';

/** How it went with one platform. */
export type Made =
  | {
      readonly kind: 'made';
      readonly target: Target;
      readonly sizeBytes: number;
      /** What it was seen to do, and where; nothing where nobody could run it. */
      readonly seen: { readonly place: string; readonly did: readonly string[] } | undefined;
      /** Whether a second build gave the same bytes; undefined where there was none. */
      readonly isReproducible: boolean | undefined;
      readonly notes: readonly string[];
    }
  | { readonly kind: 'left-out'; readonly target: Target; readonly reason: string };

export interface Release {
  readonly version: string;
  readonly commit: string;
  readonly dateS: number;
  readonly made: readonly Made[];
  /** Every file beside these notes. */
  readonly files: readonly string[];
}

const NAMES: Readonly<Record<TargetName, string>> = {
  'linux-x64': 'Linux on x86-64, glibc 2.28 or newer with libstdc++',
  'linux-arm64': 'Linux on arm64, glibc 2.28 or newer with libstdc++',
  'win-x64': 'Windows on x86-64',
  'darwin-arm64': 'macOS on Apple silicon',
};

/** What comes with a release: what each file is, and what nobody has tried. */
export function releaseNotes({ version, commit, dateS, made, files }: Release): string {
  const date = new Date(dateS * 1000).toISOString().slice(0, 10);
  return `# regcache ${version}

Commit ${commit}, ${date}. What is new is in CHANGELOG.md.

Each binary holds the whole program and its Node: nothing else has to be installed. \`SHA256SUMS\` has all files,
the \`.cdx.json\` beside a binary lists what is inside (CycloneDX), \`THIRD-PARTY-LICENSES\` has the licences.

${made.map(section).join('\n')}
## Files

${files.map((file) => `- ${basename(file)}`).join('\n')}
`;
}

function section(made: Made): string {
  const { target } = made;
  const head = `## ${target.name}: ${NAMES[target.name]}\n\n`;
  if (made.kind === 'left-out') return `${head}- not in this release: ${made.reason}\n`;
  const lines = [
    `\`${target.file}\`, ${(made.sizeBytes / 1e6).toFixed(1)} MB, with Node ${target.node.version}`,
    seenLine(made.seen),
    ...made.notes,
    ...(made.isReproducible === undefined ? [] : [reproducibleLine(made.isReproducible)]),
  ];
  return `${head}${lines.map((line) => `- ${line}`).join('\n')}\n`;
}

function seenLine(seen: (Made & { kind: 'made' })['seen']): string {
  if (seen === undefined) return '**not run**: no such machine was there';
  return `run ${seen.place}: ${seen.did.join(', ')}`;
}

function reproducibleLine(isReproducible: boolean): string {
  return isReproducible
    ? 'built twice: the same bytes'
    : '**not reproducible**: built twice, the bytes were not the same';
}
