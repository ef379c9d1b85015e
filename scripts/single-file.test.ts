import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { runProgram } from '../fixtures/run-program.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';
import { singleFile } from './single-file.ts';

const NOTHING = { legal: '', inputs: new Set<string>() };

test('the program is found in the file whatever is written in it, and only where it is asked for', async () => {
  await using folder = await tempFolder('single-file');
  const file = join(folder.path, 'program.mjs');
  const start =
    '"use strict";\nif (process.argv[2] === "work") await loadProgram();\nconsole.log("started");';
  const main = `"use strict";
/* a comment */ const accept = '*/*';
const { sep } = require('node:path');
await null;
console.log(JSON.stringify([accept, /.*/.test('x'), sep, importMeta.url.endsWith('program.mjs')]));`;
  await writeFile(file, singleFile({ start, main, ...NOTHING }));
  await expect(runProgram(process.execPath, [file])).resolves.toMatchObject({ stdout: 'started\n' });
  await expect(runProgram(process.execPath, [file, 'work'])).resolves.toMatchObject({
    stdout: '["*/*",true,"/",true]\nstarted\n',
  });
});

test('a stack trace names the line of the file', async () => {
  await using folder = await tempFolder('single-file');
  const file = join(folder.path, 'program.mjs');
  const main = '"use strict";\nconst one = 1;\nthrow new Error(`a fault, ${one}`);';
  const text = singleFile({ start: '"use strict";\nawait loadProgram();', main, ...NOTHING });
  await writeFile(file, text);
  const line = text.split('\n').findIndex((each) => each.startsWith('throw new Error(`a fault')) + 1;
  const { stderr } = await runProgram(process.execPath, [file]);
  expect(stderr).toContain(`program.mjs:${line}`);
});

test('a program that holds what stands for the end of a comment is refused', () => {
  expect(() => singleFile({ start: '', main: 'const text = "*~/";', ...NOTHING })).toThrow('stands for */');
});
