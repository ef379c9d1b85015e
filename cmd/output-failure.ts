import type { Terminal } from './command.ts';
import { EXIT } from './exit.ts';

/**
 * Ends the process once its result can no longer be written: quietly where whoever read it has gone, `head`
 * or the terminal itself, and with one line and exit code 1 where it is lost, as on a disk that is full.
 */
export function endOnOutputFailure({ out, err }: Terminal): void {
  out.on('error', (error: NodeJS.ErrnoException) => {
    const isGone = error.code === 'EPIPE' || (error.code === 'EIO' && out.isTTY);
    if (isGone) process.exit(EXIT.ok);
    err.write(`regcache: the output cannot be written: ${error.code ?? error.message}\n`);
    process.exit(EXIT.failed);
  });
}
