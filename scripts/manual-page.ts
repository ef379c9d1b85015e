import { EXIT_MEANINGS } from '../cmd/exit.ts';
import { commandList, type ListedCommand, type ListedOption, optionList } from './command-list.ts';

const EVERYWHERE: readonly ListedOption[] = [
  {
    names: ['--help', '-h'],
    takesValue: false,
    meaning: 'show help',
    fallback: undefined,
    isRequired: false,
  },
  {
    names: ['--version', '-V'],
    takesValue: false,
    meaning: 'show the version',
    fallback: undefined,
    isRequired: false,
  },
];

/** docs/regcache.1: one page for all commands, in the macros of man(7). */
export function manualPage(): string {
  return `.\\" Made by \`npm run docs\` from the commands themselves.
.TH REGCACHE 1 "" "regcache" "User Commands"
.SH NAME
regcache \\- a caching OCI registry that chains
.SH SYNOPSIS
${commandList()
  .map(({ usage }) => `.B regcache\n.RI ${quote(usage)}`)
  .join('\n.br\n')}
.SH DESCRIPTION
.B regcache
keeps what clients pull from a registry and serves it at local speed. Caches chain: each pulls from the next hop, the last one
from the origin.
It is configured by the
.I config.yml
of Distribution and Docker Trusted Registry.
.SH COMMANDS
${commandList().map(commandText).join('\n')}
.SH OPTIONS OF EVERY COMMAND
${EVERYWHERE.map(option).join('\n')}
.SH EXIT STATUS
Where a command says nothing else:
${codes(EXIT_MEANINGS)}
.SH ENVIRONMENT
.TP
.B REGISTRY_CONFIGURATION_PATH
the configuration file, where
.B \\-\\-config
names none
.TP
.B REGISTRY_*
a key of the configuration: its path in capitals, joined by _, as in REGISTRY_HTTP_ADDR
.TP
.BR HTTPS_PROXY ", " HTTP_PROXY ", " NO_PROXY
the proxy by which upstreams are reached
.TP
.BR SSL_CERT_FILE ", " SSL_CERT_DIR
the system's CAs, where they are not in their usual place
.TP
.B NO_COLOR
turns colours off
.SH FILES
.TP
.I /var/lib/registry
the store, unless storage.filesystem.rootdirectory says otherwise
.TP
.I $XDG_CACHE_HOME/regcache
the store of \`regcache serve\` without a configuration
.SH SIGNALS
.TP
.B SIGTERM, SIGINT
.B serve
takes no new connections, lets running answers end, and ends; a second one ends it at once
.TP
.B SIGHUP
.B serve
reads its configuration, certificates and passwords again
.SH SEE ALSO
.BR skopeo (1),
.BR podman\\-pull (1)
`;
}

function commandText({ usage, command }: ListedCommand): string {
  const operands = Object.entries(command.operands ?? {}).map(
    ([word, meaning]) => `.TP\n.I ${escape(word)}\n${escape(meaning)}`,
  );
  const examples = command.examples.map(
    ([example, meaning]) =>
      `.PP\n${escape(meaning)}:\n.PP\n.EX\n    ${escape(example.replaceAll('$0', 'regcache'))}\n.EE`,
  );
  return [
    `.SS ${quote(`regcache ${usage}`)}`,
    escape(command.summary),
    ...operands,
    ...optionList(command).map(option),
    ...examples,
    ...(command.exitCodes === undefined ? [] : ['.PP\nExit status:', codes(command.exitCodes)]),
  ].join('\n');
}

function option({ names, takesValue, meaning, fallback, isRequired }: ListedOption): string {
  const words = names.map((name) => `\\fB${escape(name)}\\fR${takesValue ? ' \\fI…\\fR' : ''}`).join(', ');
  const note = fallback === undefined ? (isRequired ? ' (required)' : '') : ` (default ${escape(fallback)})`;
  return `.TP\n${words}\n${escape(meaning)}${note}`;
}

function codes(meanings: readonly (readonly [code: number, meaning: string])[]): string {
  return meanings.map(([code, meaning]) => `.TP\n.B ${code}\n${escape(meaning)}`).join('\n');
}

/** Text that troff takes as it is: no escapes, no minus that becomes a hyphen, no line that looks like a request. */
function escape(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1');
}

/** One argument of a macro. */
function quote(text: string): string {
  return `"${escape(text).replaceAll('"', '""')}"`;
}
