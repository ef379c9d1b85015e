/** What the newest entry of a Debian changelog says beside the changes. */
export interface Release {
  readonly version: string;
  /** `Name <address>` */
  readonly maintainer: string;
  readonly date: Date;
}

const WIDTH = 78;

/** The newest part of CHANGELOG.md as Debian writes changes, see deb-changelog(5). */
export function debianChangelog(changes: string, { version, maintainer, date }: Release): string {
  const [, newest = ''] = changes.split(/^## .*$/m);
  const [, ...items] = `\n${newest.trim()}`.split(/\n- /);
  const lines = items.map((item) => wrap(item.split(/\s+/).filter((word) => word !== '')));
  return `regcache (${version}) unstable; urgency=medium

${lines.join('\n')}

 -- ${maintainer}  ${date.toUTCString().replace('GMT', '+0000')}
`;
}

/** One change: a star before its first line, and no line too long for a terminal. */
function wrap(words: readonly string[]): string {
  const lines: string[] = [];
  let line = '  *';
  for (const word of words) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = '   ';
    }
    line += ` ${word}`;
  }
  return [...lines, line].join('\n');
}
