import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script } from 'node:vm';

type Evaluate = (
  require: NodeJS.Require,
  importMeta: { readonly url: string },
  loadProgram: () => Promise<void>,
) => Promise<void>;

/**
 * Compiles a text of the program, lets it do something, and keeps what V8 has compiled by then, for a binary of the
 * very Node that this runs on: `node package-code-cache.ts TEXT CACHE ARGUMENT…`, in the text's folder, since its name
 * is in the cache. What the text prints is dropped.
 */
function makeCodeCache(textFile: string, cacheFile: string, args: readonly string[]): void {
  const script = new Script(readFileSync(textFile, 'latin1'), { filename: textFile });
  const evaluate = script.runInThisContext() as Evaluate;
  const silent: NodeJS.WriteStream['write'] = () => true;
  process.stdout.write = silent;
  process.stderr.write = silent;
  process.argv.splice(1, process.argv.length, 'regcache', ...args);
  process.once('exit', () => {
    if (process.exitCode === 0) writeFileSync(cacheFile, script.createCachedData());
  });
  void evaluate(createRequire(import.meta.url), import.meta, async () => undefined);
}

const [, , textFile = '', cacheFile = '', ...args] = process.argv;
makeCodeCache(textFile, cacheFile, args);
