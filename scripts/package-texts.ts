import type { Program } from './bundle.ts';

/** A text of the program inside a binary, by the name that stack traces show. */
export type TextName = 'regcache-start.js' | 'regcache.js';

/**
 * The program's texts as scripts whose value is a function. V8 accepts a code cache only for the very text that it was
 * made of.
 */
export function scriptTexts({ start, main }: Program): Readonly<Record<TextName, string>> {
  return {
    'regcache-start.js': `(async function (require, importMeta, loadProgram) {\n${start}\n})`,
    'regcache.js': `(async function (require, importMeta) {\n${main}\n})`,
  };
}

/** Under which name a text's code cache lies beside it. */
export function cacheName(name: TextName): string {
  return `${name}.cache`;
}

/**
 * What Node runs when the binary starts. Nothing is loaded from the disk: `require` is the binary's own, which knows
 * Node's modules only.
 */
export function binaryMain(hasCache: boolean): string {
  const cached = hasCache ? ", cachedData: Buffer.from(getRawAsset(name + '.cache'))" : '';
  return `'use strict';
const { getRawAsset } = require('node:sea');
const { Script } = require('node:vm');
const importMeta = { url: require('node:url').pathToFileURL(process.execPath).href };
const load = (name) => {
  const text = Buffer.from(getRawAsset(name)).latin1Slice();
  return new Script(text, { filename: name${cached} }).runInThisContext();
};
load('regcache-start.js')(require, importMeta, () => load('regcache.js')(require, importMeta));
`;
}
