import { runCli } from './cli.ts';
import { endOnOutputFailure } from './output-failure.ts';
import { processTerminal, reportError } from './terminal.ts';

const terminal = processTerminal();
endOnOutputFailure(terminal);
try {
  process.exitCode = await runCli(process.argv.slice(2), terminal);
} catch (error) {
  process.exitCode = reportError(error, terminal);
}
