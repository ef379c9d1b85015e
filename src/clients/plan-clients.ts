import { UserError } from '../user-error.ts';
import { planBuildkit } from './buildkit.ts';
import { CLIENTS, type ClientName, type ClientPlan, type PlannedFile, type Setup } from './client.ts';
import { planContainerd } from './containerd.ts';
import { planDocker } from './docker.ts';
import { planPodman } from './podman.ts';

export interface ClientFile extends PlannedFile {
  readonly client: ClientName;
}

export interface ClientNote {
  readonly client: ClientName;
  readonly text: string;
}

/** What `regcache clients --json` prints. */
export interface ClientFiles {
  readonly files: readonly ClientFile[];
  readonly notes: readonly ClientNote[];
}

const PLANS: Readonly<Record<ClientName, (setup: Setup) => ClientPlan>> = {
  docker: planDocker,
  containerd: planContainerd,
  podman: planPodman,
  buildkit: planBuildkit,
};

/**
 * Makes the files of one client, or of all of them: then those that cannot use this cache get a note.
 * @throws {UserError} CLIENT_REFUSED where the one client cannot use this cache; USAGE where the cache's URL is an
 * origin's
 */
export function planClients(only: ClientName | undefined, setup: Setup): ClientFiles {
  refuseOrigin(setup);
  const plans = (only === undefined ? CLIENTS : [only]).map((client) => ({
    client,
    plan: PLANS[client](setup),
  }));
  return {
    files: plans.flatMap(({ client, plan }) => {
      if (plan.kind === 'files') return plan.files.map((file) => ({ client, ...file }));
      if (only === undefined) return [];
      throw new UserError('CLIENT_REFUSED', `${client} cannot pull through this cache: ${plan.reason}`, {
        value: client,
        hint: 'give the cache a URL without a path (http.prefix: /), or use containerd or docker',
      });
    }),
    notes: plans.flatMap(({ client, plan }) =>
      (plan.kind === 'files'
        ? plan.notes
        : [`no files: ${client} cannot pull through this cache: ${plan.reason}`]
      ).map((text) => ({ client, text })),
    ),
  };
}

/** A mirror that is the origin itself would be asked twice and cache nothing. */
function refuseOrigin({ cache, origins }: Setup): void {
  const same = origins.find(
    ({ namespace, url }) => namespace === cache.authority || new URL(url).host === cache.authority,
  );
  if (same === undefined) return;
  throw new UserError('USAGE', `--url names ${cache.authority}, which is the origin of ${same.namespace}`, {
    value: cache.authority,
    hint: 'write the cache’s own URL; clients that reach it by the origin’s name need no files',
  });
}
