import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config, ListenAddress } from '../src/config/config.ts';
import { parseServerUrl } from '../src/config/server-url.ts';
import { UserError } from '../src/user-error.ts';
import { askStatus, type Question } from './ask-status.ts';
import { numberOption } from './certs-sources.ts';
import { type Command, textOption } from './command.ts';
import { EXIT } from './exit.ts';
import { explainReadiness } from './explain-readiness.ts';

type Arguments = Readonly<Record<string, unknown>>;

/** How long one answer may take, where all of it may take longer. */
const ANSWER_MS = 5_000;
const BETWEEN_TRIES_MS = 200;

/** `regcache health` */
export const healthCommand: Command = {
  usage: 'health',
  summary: 'ask a running daemon whether it serves: for containers and scripts',
  options: {
    config: { alias: 'c', type: 'string', describe: 'the daemon’s configuration file', requiresArg: true },
    url: { type: 'string', describe: 'its debug address instead: http://host:port', requiresArg: true },
    wait: {
      type: 'string',
      default: '0',
      describe: 'seconds to go on asking until it serves',
      requiresArg: true,
    },
  },
  examples: [
    ['$0 health --config config.yml', 'ask http.debug.addr, or http.addr where there is none'],
    ['$0 health --url http://127.0.0.1:5001 --wait 30', 'wait until a daemon serves'],
  ],
  exitCodes: [
    [EXIT.ok, 'it serves'],
    [EXIT.failed, 'it does not, or not in time'],
    [EXIT.usage, 'the arguments or the configuration are wrong'],
  ],
  run: async (args, { out, env }) => {
    const waitMs = numberOption(args, 'wait', 0) * 1000;
    const questions = await questionsOf(args, env);
    const startedAtMs = performance.now();
    for (;;) {
      const { good, told } = await askAll(questions);
      if (good) {
        out.write(`serving: ${told}\n`);
        return EXIT.ok;
      }
      if (performance.now() - startedAtMs >= waitMs) {
        throw new UserError('NOT_SERVING', `not serving: ${told}`, {
          hint: 'the daemon’s log says why; regcache doctor --config … probes what it needs',
          exitCode: EXIT.failed,
        });
      }
      await sleep(BETWEEN_TRIES_MS);
    }
  },
};

/** The first question that the daemon has an answer to counts. */
async function askAll(questions: readonly Question[]): Promise<{ good: boolean; told: string }> {
  let told = '';
  for (const question of questions) {
    const answer = await askStatus(question, AbortSignal.timeout(ANSWER_MS));
    if (answer.kind === 'failed') return { good: false, told: `${question.name} ${answer.reason}` };
    told = `${question.name} answered ${answer.status}`;
    if (question.accepts(answer.status)) return { good: true, told };
    if (answer.status === 404) continue;
    const why = explainReadiness(answer.body);
    return { good: false, told: why === undefined ? told : `${told}: ${why}` };
  }
  return { good: false, told };
}

async function questionsOf(
  args: Arguments,
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly Question[]> {
  const [file, text] = [textOption(args, 'config'), textOption(args, 'url')];
  if (text === undefined) {
    const { loadConfig } = await import('../src/config/load-config.ts');
    const { config } = await loadConfig({ file, env, readFile: async (path) => readFile(path, 'utf8') });
    return questionsTo(config.http);
  }
  if (file !== undefined) {
    throw new UserError('USAGE', '--url and --config each say whom to ask', { hint: 'give one of them' });
  }
  const url = parseServerUrl(text);
  if (!url.ok) throw new UserError('USAGE', `--url: ${url.problem}`, { value: text });
  const { protocol, hostname, port } = new URL(url.value);
  const secure = protocol === 'https:';
  const host = hostname.replaceAll(/[[\]]/g, '');
  return debugQuestions({ host, port: port === '' ? (secure ? 443 : 80) : Number(port) }, secure);
}

function questionsTo(http: Config['http']): readonly Question[] {
  if (http.debug !== undefined) return debugQuestions(destinationOf(http.debug.listen), false);
  const secure = http.tls !== undefined;
  // It asks for a password, too, only once it serves. Its certificate names the cache, not this machine's loopback.
  const accepts = (status: number): boolean => status === 200 || status === 401;
  return [question(destinationOf(http.listen), `${http.prefix}v2/`, { secure, trustAnyone: true, accepts })];
}

/** `/debug/health` is what Distribution has, and older daemons. */
function debugQuestions(at: Question['at'], secure: boolean): readonly Question[] {
  const accepts = (status: number): boolean => status === 200;
  return ['/readyz', '/debug/health'].map((path) =>
    question(at, path, { secure, trustAnyone: false, accepts }),
  );
}

function question(
  at: Question['at'],
  path: string,
  rest: Pick<Question, 'secure' | 'trustAnyone' | 'accepts'>,
): Question {
  const where =
    'socketPath' in at ? at.socketPath : `${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}`;
  return { at, path, name: `${where}${path}`, ...rest };
}

/** Where a listening address is reached from this machine. */
function destinationOf(listen: ListenAddress): Question['at'] {
  if (listen.kind === 'unix') return { socketPath: listen.path };
  if (listen.port === 0) {
    throw new UserError('USAGE', 'the configuration leaves the port to the system', {
      hint: 'name the debug address with --url, as the log tells it',
    });
  }
  const { host = '0.0.0.0', port } = listen;
  return { host: { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host, port };
}
