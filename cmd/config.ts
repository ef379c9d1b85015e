import { readFile } from 'node:fs/promises';
import { type CommandGroup, textOption } from './command.ts';
import { EXIT } from './exit.ts';

/** `regcache config …` */
export const configGroup: CommandGroup = {
  name: 'config',
  summary: 'work with the configuration',
  commands: [
    {
      usage: 'check [file]',
      summary: 'check a configuration and print what it comes to, secrets hidden',
      operands: { file: 'the configuration file, as --config' },
      options: {
        config: { alias: 'c', type: 'string', describe: 'the configuration file', requiresArg: true },
        json: { type: 'boolean', default: false, describe: 'print JSON instead of YAML' },
        quiet: { alias: 'q', type: 'boolean', default: false, describe: 'print warnings and problems only' },
      },
      examples: [
        ['$0 config check --config config.yml', 'all problems at once, or the effective configuration'],
        ['REGISTRY_HTTP_ADDR=:6000 $0 config check -c config.yml', 'with the environment’s overrides'],
      ],
      exitCodes: [
        [EXIT.ok, 'it is valid'],
        [EXIT.usage, 'it is not: each problem is told with its line'],
      ],
      run: async (args, { out, err, env }) => {
        const file = textOption(args, 'config') ?? textOption(args, 'file');
        const { loadConfig } = await import('../src/config/load-config.ts');
        const { effective, warnings, source } = await loadConfig({
          file,
          env,
          readFile: async (path) => readFile(path, 'utf8'),
        });
        const { dump } = await import('js-yaml');
        for (const warning of warnings) err.write(`warning: ${warning}\n`);
        if (args['quiet'] === true) return EXIT.ok;
        out.write(args['json'] === true ? `${JSON.stringify(effective, undefined, 2)}\n` : dump(effective));
        err.write(`${source}: valid\n`);
        return EXIT.ok;
      },
    },
  ],
};
