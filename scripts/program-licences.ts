import { dirname, join } from 'node:path';

/** The licences of what a program holds beside regcache's own code: `npm run package` lays them beside it. */
export function licencesOf(program: string): string {
  return join(dirname(program), 'THIRD-PARTY-LICENSES');
}
