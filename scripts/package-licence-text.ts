import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const FILE = /^(?:licen[cs]e|copying|copyright|notice)/i;

/** The text of MIT, for packages that name it and forgot to put it beside their code. */
const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/**
 * A package's licence and notices, whole.
 * @param licence as its package.json names it
 * @throws where it names none, or one that is not in the package
 */
export async function readLicenceText(folder: string, licence: unknown, author: unknown): Promise<string> {
  const files = (await readdir(folder)).filter((file) => FILE.test(file)).toSorted();
  const texts = await Promise.all(files.map(async (file) => readFile(join(folder, file), 'utf8')));
  if (texts.length > 0) return texts.map((text) => text.trim()).join('\n\n');
  if (licence !== 'MIT') throw new Error(`${folder}: its licence, ${JSON.stringify(licence)}, is not in it`);
  const holder = typeof author === 'string' ? author : 'its authors';
  return `Its package.json names MIT; the package has no text of it.\n\nCopyright (c) ${holder}\n\n${MIT}`;
}
