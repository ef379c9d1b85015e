import { lstat, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UserError } from '../user-error.ts';
import { type ControlClient, connectControl } from './control-client.ts';
import { type ControlPlace, controlPlaces } from './control-path.ts';
import { noDaemon } from './no-daemon.ts';

/**
 * Makes a client of the daemon that has a store, wherever its control socket lies: each call looks for it anew, and goes
 * on to the next place where nobody answers. One among the temporary files is asked only where its folder is the
 * daemon's: anybody may have made it.
 */
export function connectStore(root: string): ControlClient {
  return {
    snapshot: async (signal) => await firstOf(root, async (client) => await client.snapshot(signal)),
    daily: async (signal, days) => await firstOf(root, async (client) => await client.daily(signal, days)),
    watch: (signal, intervalMs) => answersOf(root, (client) => client.watch(signal, intervalMs)),
  };
}

async function firstOf<T>(root: string, ask: (client: ControlClient) => Promise<T>): Promise<T> {
  const asked = answersOf(root, async function* answer(client) {
    yield await ask(client);
  });
  for await (const answer of asked) return answer;
  throw noDaemon(controlPlaces(root)[0].path, 'it has answered nothing');
}

/** What is answered at the first place where somebody is. */
async function* answersOf<T>(
  root: string,
  ask: (client: ControlClient) => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  let [missing, refused]: (UserError | undefined)[] = [];
  for (const place of controlPlaces(root)) {
    try {
      const refusal = place.kind === 'shared' ? await refusalOf(place, root) : undefined;
      refused ??= refusal;
      if (refusal !== undefined) continue;
      yield* ask(connectControl({ kind: 'socket', path: place.path }));
      return;
    } catch (error) {
      if (!(error instanceof UserError) || error.code !== 'NO_DAEMON') throw error;
      // The first place is where it should be.
      missing ??= error;
    }
  }
  throw refused === undefined || missing === undefined ? (missing ?? refused) : bothOf(missing, refused);
}

function bothOf(missing: UserError, refused: UserError): UserError {
  const { code, value, hint, exitCode } = missing;
  return new UserError(code, `${missing.message}; ${refused.message}`, {
    ...(value === undefined ? {} : { value }),
    ...(hint === undefined ? {} : { hint }),
    exitCode,
    cause: missing,
  });
}

/**
 * Why a socket among the temporary files is not asked: its folder may be somebody else's. The system lets nobody rename
 * what is another's there, so that a folder which is the daemon's stays that.
 * @throws {UserError} NO_DAEMON where there is no such folder
 */
async function refusalOf({ path }: ControlPlace, root: string): Promise<UserError | undefined> {
  const stats = await lstat(dirname(path)).catch((error: unknown) => {
    const isCoded = error instanceof Error && 'code' in error;
    throw noDaemon(path, isCoded ? String(error.code) : String(error), error);
  });
  const owner = await stat(root).catch(() => undefined);
  const trusted = [0, process.geteuid?.() ?? stats.uid, owner?.uid];
  if (stats.isDirectory() && trusted.includes(stats.uid) && (stats.mode & 0o022) === 0) return undefined;
  return noDaemon(path, `its folder is user ${stats.uid}’s, or others can write to it: it is not asked`);
}
