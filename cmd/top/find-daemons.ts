import { readFile } from 'node:fs/promises';
import { loadConfig } from '../../src/config/load-config.ts';
import { type ControlClient, connectControl } from '../../src/control/control-client.ts';
import { connectStore } from '../../src/control/connect-store.ts';
import { controlPlaces } from '../../src/control/control-path.ts';
import { controlTargetText, parseControlTarget } from '../../src/control/control-target.ts';
import type { Snapshot } from '../../src/control/snapshot.ts';
import { UserError } from '../../src/user-error.ts';
import { listOption, type Terminal, textOption } from '../command.ts';
import type { SnapshotSource } from './daemon-watch.ts';

/** A daemon that can be asked once, or watched. */
export interface Daemon extends SnapshotSource {
  /** @throws {UserError} where it cannot be reached */
  snapshot(signal: AbortSignal): Promise<Snapshot>;
}

const INTERVAL_MS = 1000;

/**
 * The daemons that the arguments mean: those of `--connect`, or else the one that `serve` would be with the same
 * configuration.
 * @throws {UserError} USAGE, or CONFIG_INVALID as `serve` does
 */
export async function findDaemons(
  args: Readonly<Record<string, unknown>>,
  env: Terminal['env'],
): Promise<readonly [Daemon, ...Daemon[]]> {
  const connect = listOption(args, 'connect');
  const file = textOption(args, 'config');
  if (connect.length > 0 && file !== undefined) {
    throw new UserError('USAGE', '--connect and --config each say which daemon', {
      hint: 'give one of them',
    });
  }
  const [first, ...others] = connect.map(connected);
  if (first === undefined) return [await configured(file, env)];
  const names = [first, ...others].map(({ name, place }) => name ?? place);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return [first, ...others];
  throw new UserError('USAGE', `--connect names ${twice} twice`, {
    value: twice,
    hint: 'give each daemon a name of its own, as in china=… and asia=…',
  });
}

function connected(text: string): Daemon {
  const { name, target } = parseControlTarget(text);
  return daemonOf(name, controlTargetText(target), connectControl(target), undefined);
}

async function configured(file: string | undefined, env: Terminal['env']): Promise<Daemon> {
  const { config, source } = await loadConfig({
    file,
    env,
    readFile: async (path) => readFile(path, 'utf8'),
  });
  const { root } = config.storage;
  const hint = `is \`regcache serve\` running for ${source}? Its storage root is ${root}; another daemon is named by --connect`;
  return daemonOf(undefined, controlPlaces(root)[0].path, connectStore(root), hint);
}

/** @param hint what to do where nobody answers; undefined: what the client says */
function daemonOf(
  name: string | undefined,
  place: string,
  client: ControlClient,
  hint: string | undefined,
): Daemon {
  const explained = (error: unknown): unknown => {
    if (hint === undefined || !(error instanceof UserError) || error.code !== 'NO_DAEMON') return error;
    const { code, message, exitCode } = error;
    return new UserError(code, message, { value: place, hint, exitCode, cause: error });
  };
  return {
    name,
    place,
    snapshot: async (signal) => {
      try {
        return await client.snapshot(signal);
      } catch (error) {
        throw explained(error);
      }
    },
    watch: async function* watch(signal) {
      try {
        yield* client.watch(signal, INTERVAL_MS);
      } catch (error) {
        throw explained(error);
      }
    },
  };
}
