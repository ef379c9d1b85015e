import { EXIT_MEANINGS } from '../cmd/exit.ts';
import { commandList, type ListedCommand, type ListedOption, optionList } from './command-list.ts';

/** docs/cli.md, not yet formatted. */
export function cliReference(): string {
  const commands = commandList();
  const contents = commands.map(
    ({ name, command }) => `- [\`regcache ${name}\`](#${anchor(name)}): ${command.summary}`,
  );
  return `# Every command

_Made by \`npm run docs\` from the commands themselves. \`regcache --help\` and \`regcache COMMAND --help\` say the same._

${contents.join('\n')}

\`--help\` (\`-h\`) and \`--version\` (\`-V\`) go with every command. The result of a command is on its standard output; what it has to
say beside that, on its standard error. \`NO_COLOR\` turns colours off.

Exit codes, where a command says nothing else:

${codes(EXIT_MEANINGS)}

${commands.map(commandText).join('\n')}`;
}

function commandText({ usage, name, command }: ListedCommand): string {
  const operands = Object.entries(command.operands ?? {}).map(
    ([word, meaning]) => `| \`${word}\` | ${cell(meaning)} | |`,
  );
  const options = optionList(command).map(optionRow);
  const table =
    operands.length + options.length === 0
      ? ''
      : `| | meaning | default |\n| --- | --- | --- |\n${[...operands, ...options].join('\n')}\n`;
  const examples = command.examples.map(
    ([example, meaning]) => `# ${meaning}\n${example.replaceAll('$0', 'regcache')}`,
  );
  const exit = command.exitCodes === undefined ? '' : `Exit codes:\n\n${codes(command.exitCodes)}\n`;
  return `## regcache ${name}

\`\`\`
regcache ${usage}
\`\`\`

${command.summary}

${table}
\`\`\`sh
${examples.join('\n\n')}
\`\`\`

${exit}`;
}

function optionRow({ names, takesValue, meaning, fallback, isRequired }: ListedOption): string {
  const words = names.map((name) => `\`${name}\``).join(', ');
  return `| ${words}${takesValue ? ' …' : ''} | ${cell(meaning)} | ${fallback === undefined ? (isRequired ? 'required' : '') : `\`${fallback}\``} |`;
}

function codes(meanings: readonly (readonly [code: number, meaning: string])[]): string {
  return meanings.map(([code, meaning]) => `- ${code}: ${meaning}`).join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '\\<');
}

function anchor(name: string): string {
  return `regcache-${name.replaceAll(' ', '-')}`;
}
