import { StringDecoder } from 'node:string_decoder';

/** A snapshot with everything in it has some 200 KB. */
const LONGEST_CHARACTERS = 16 * 1024 * 1024;

/**
 * The lines of a stream of text, empty ones left out; what stands after the last line's end counts as one.
 * @throws where a line is longer than 16 Mi characters: whoever sends that is no daemon of ours
 */
export async function* readLines(source: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const piece of source) {
    const text = decoder.write(piece);
    rest += text;
    if (!text.includes('\n')) {
      if (rest.length > LONGEST_CHARACTERS) throw new Error('a line that does not end');
      continue;
    }
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield line;
  }
  rest += decoder.end();
  if (rest !== '') yield rest;
}
