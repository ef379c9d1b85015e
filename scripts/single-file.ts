import type { Program } from './bundle.ts';

/** What the program's text begins after, and how a comment's end is written inside it. */
const MARK = '\n/* The program itself, for loadProgram above:\n';
const END = '\n*/\n';
const COMMENT_END = '*~/';

/**
 * One file for any Node that is new enough. The start lies open in it; the program lies in a comment, where V8 passes
 * over it, until a command needs it: its stack traces name this file's lines all the same.
 */
export function singleFile({ start, main }: Program): string {
  if (main.includes(COMMENT_END)) throw new Error(`the program holds ${COMMENT_END}, which stands for */`);
  const head = `${HEAD}\n${start.replace(/^"use strict";\n/, '')}`;
  return `${head}${MARK}${main.replaceAll('*/', COMMENT_END)}${END}`;
}

/**
 * What every start runs first: an old Node gets one clear line instead of a stack trace, and CommonJS packages inside
 * the bundle get their `require`.
 */
const HEAD = `#!/usr/bin/env node
import { createRequire as createRequireOfBundle } from 'node:module';
{
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 19)) {
    process.stderr.write('regcache: needs Node 22.19 or newer, and this is ' + process.version + ': start it with a newer one, as in "node24 ' + process.argv[1] + '"\\n');
    process.exit(2);
  }
}
const importMeta = import.meta;
const require = createRequireOfBundle(import.meta.url);
const loadProgram = async () => {
  const text = require('node:fs').readFileSync(import.meta.filename, 'latin1');
  const from = text.indexOf(${JSON.stringify(MARK)}) + ${MARK.length};
  const body = text.slice(from, -${END.length}).replaceAll(${JSON.stringify(COMMENT_END)}, '*' + '/');
  const lineOffset = text.slice(0, from).split('\\n').length - 2;
  const script = new (require('node:vm').Script)('(async function (require, importMeta) {\\n' + body + '\\n})', { filename: import.meta.filename, lineOffset });
  await script.runInThisContext()(require, importMeta);
};
`;
