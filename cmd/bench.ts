import { constants } from 'node:fs';
import { access, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isSea } from 'node:sea';
import type { BenchPlan } from '../src/bench/prepare.ts';
import type { BenchResult } from '../src/bench/result.ts';
import type { Progress } from '../src/bench/run-bench.ts';
import { reason } from '../src/config/configured-files.ts';
import { UserError } from '../src/user-error.ts';
import { BENCH_EXAMPLES, BENCH_OPTIONS } from './bench-options.ts';
import { type Command, listOption, type Terminal, textOption } from './command.ts';
import { EXIT } from './exit.ts';
import { VERSION } from './version.ts';

type Arguments = Readonly<Record<string, unknown>>;

/** `regcache bench` */
export const benchCommand: Command = {
  usage: 'bench [variants]',
  summary: 'pull images through variants of a chain, cold and warm, and say which is right',
  operands: {
    variants: 'chains to measure beside direct, as in asia,china; or plan, to try the sensible ones',
  },
  options: BENCH_OPTIONS,
  examples: BENCH_EXAMPLES,
  exitCodes: [
    [EXIT.ok, 'every variant was measured'],
    [EXIT.failed, 'a variant could not be measured'],
    [EXIT.usage, 'the arguments or bench.yml are wrong'],
    [EXIT.requirement, 'a bound of --require was not kept'],
    [EXIT.interrupted, 'a signal ended it; what was measured so far is printed'],
  ],
  run: async (args, terminal) => {
    if (args['json'] === true && args['csv'] === true) {
      throw new UserError('USAGE', '--json and --csv both want the standard output', { hint: 'choose one' });
    }
    // The statistics, the images, the certificates: loaded only where they are used.
    const { prepareBench } = await import('../src/bench/prepare.ts');
    const plan = await prepareBench(args, {
      list: (name) => listOption(args, name),
      text: (name) => textOption(args, name),
      readFile: async (path) => readFile(path, 'utf8'),
    });
    const before = await earlierRun(textOption(args, 'compare'));
    await checkWritable(textOption(args, 'report'), '--report');
    await checkWritable(textOption(args, 'save'), '--save');
    const result = await measure(plan, terminal);
    await print(result, args, terminal, before);
    return exitCode(result, plan, terminal);
  },
};

/** Runs until all rounds are done, or until a signal. */
async function measure(plan: BenchPlan, terminal: Terminal): Promise<BenchResult> {
  const { runPlan } = await import('../src/bench/prepare.ts');
  const interrupted = new AbortController();
  const stop = (signal: NodeJS.Signals): void => interrupted.abort(new Error(signal));
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, stop);
  const progress = progressOn(terminal);
  try {
    return await runPlan(plan, {
      command: ownCommand(),
      env: terminal.env,
      version: VERSION,
      onProgress: progress.show,
      signal: interrupted.signal,
    });
  } finally {
    progress.end();
    for (const signal of signals) process.off(signal, stop);
  }
}

async function earlierRun(
  file: string | undefined,
): Promise<{ file: string; result: BenchResult } | undefined> {
  if (file === undefined) return undefined;
  const { readResult } = await import('../src/bench/compare-runs.ts');
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UserError('RESULT_UNREADABLE', `--compare ${file} cannot be read (${reason(error)})`, {
      value: file,
      hint: 'name a file that `regcache bench --save FILE` has written',
      cause: error,
    });
  });
  return { file, result: readResult(text, file) };
}

/** Minutes of measuring are not to be lost to a folder that is not there. */
async function checkWritable(file: string | undefined, option: string): Promise<void> {
  if (file === undefined) return;
  try {
    await access(dirname(file), constants.W_OK);
  } catch (error) {
    throw new UserError('FILE_UNWRITABLE', `${option} ${file} cannot be written (${reason(error)})`, {
      value: file,
      hint: 'name a file in a folder that is there',
      cause: error,
    });
  }
}

async function print(
  result: BenchResult,
  args: Arguments,
  { out, err, env }: Terminal,
  before: { file: string; result: BenchResult } | undefined,
): Promise<void> {
  const [save, report] = [textOption(args, 'save'), textOption(args, 'report')];
  if (save !== undefined) {
    await writeFile(save, `${JSON.stringify(result)}\n`);
    err.write(`saved ${save}\n`);
  }
  if (report !== undefined) {
    const { htmlReport } = await import('../src/bench/report/html.ts');
    await writeFile(report, htmlReport(result));
    err.write(`wrote ${report}\n`);
  }
  const { compareRuns } = await import('../src/bench/compare-runs.ts');
  const comparison = before === undefined ? undefined : compareRuns(before.result, result);
  if (args['json'] === true) {
    out.write(
      `${JSON.stringify({ ...result, ...(comparison === undefined ? {} : { comparison }) }, undefined, 2)}\n`,
    );
    return;
  }
  if (args['csv'] === true) {
    const { benchCsv } = await import('../src/bench/report/csv.ts');
    out.write(benchCsv(result));
    return;
  }
  const { benchTable } = await import('../src/bench/report/table.ts');
  const colour = out.isTTY && (env['NO_COLOR'] ?? '') === '';
  out.write(benchTable(result, { width: out.columns ?? 120, colour }));
  if (comparison === undefined || before === undefined) return;
  const { changesText } = await import('../src/bench/report/changes.ts');
  out.write(`\n${changesText(comparison, before.file)}`);
}

async function exitCode(
  result: BenchResult,
  { requirements }: BenchPlan,
  { err }: Terminal,
): Promise<number> {
  const { judge } = await import('../src/bench/requirement.ts');
  const { judgementText } = await import('../src/bench/report/judgement.ts');
  const judgements = requirements.map((requirement) => judge(requirement, result));
  for (const judgement of judgements) err.write(`${judgementText(judgement)}\n`);
  if (result.interrupted) return EXIT.interrupted;
  if (judgements.some(({ isKept }) => !isKept)) return EXIT.requirement;
  return result.variants.some(({ problem }) => problem !== undefined) ? EXIT.failed : EXIT.ok;
}

/** How this very program is started once more. */
function ownCommand(): { readonly file: string; readonly args: readonly string[] } {
  const [, script] = process.argv;
  return {
    file: process.execPath,
    args: isSea() || script === undefined ? [] : [...process.execArgv, script],
  };
}

/** One line that changes, on a terminal; elsewhere a line for each round. */
function progressOn({ err }: Terminal): { show: (progress: Progress) => void; end: () => void } {
  const startedMs = performance.now();
  let last = -1;
  return {
    show: ({ done, total, what }) => {
      if (err.isTTY) {
        const width = Math.max(20, (err.columns ?? 80) - 1);
        const filled = total === 0 ? 0 : Math.round((done / total) * 20);
        const leftS =
          done === 0 ? undefined : ((performance.now() - startedMs) / done / 1000) * (total - done);
        const left = leftS === undefined ? '' : `, ${Math.ceil(leftS)} s left`;
        const line = `${'█'.repeat(filled)}${'░'.repeat(20 - filled)} ${done}/${total}${left}  ${what}`;
        err.write(`\r\u001B[K${line.slice(0, width)}`);
      } else if (done !== last) {
        last = done;
        err.write(`${done}/${total} ${what}\n`);
      }
    },
    end: () => {
      if (err.isTTY) err.write('\r\u001B[K');
    },
  };
}
