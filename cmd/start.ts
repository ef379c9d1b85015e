import { runCli } from './cli.ts';
import { endOnOutputFailure } from './output-failure.ts';
import { processTerminal, reportError } from './terminal.ts';

/** Evaluates main.ts with all that it needs, which the build has laid beside this part. */
declare const loadProgram: () => Promise<void>;

/**
 * What a built program starts with: it reads the command line, and answers by itself what needs no more than that –
 * help, the version, completion, a mistyped option. The program itself, twenty times as much code, is loaded only where
 * a command runs.
 */
const terminal = processTerminal();
endOnOutputFailure(terminal);
try {
  process.exitCode = await runCli(process.argv.slice(2), terminal, async () => {
    await loadProgram();
    return Number(process.exitCode);
  });
} catch (error) {
  process.exitCode = reportError(error, terminal);
}
