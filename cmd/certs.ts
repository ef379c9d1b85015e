import { certsBundle } from './certs-bundle.ts';
import { certsCheck } from './certs-check.ts';
import { certsDev } from './certs-dev.ts';
import { certsInspect } from './certs-inspect.ts';
import { certsInstall } from './certs-install.ts';
import type { CommandGroup } from './command.ts';

/** `regcache certs …` */
export const certsGroup: CommandGroup = {
  name: 'certs',
  summary: 'assemble CA bundles, look into certificates, make some for development',
  commands: [certsBundle, certsInspect, certsCheck, certsDev, certsInstall],
};
