import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config, HopConfig, UpstreamConfig } from '../src/config/config.ts';
import { parseServerUrl } from '../src/config/server-url.ts';
import type { ExamineOptions } from '../src/doctor/examine-hop.ts';
import type { Machine } from '../src/doctor/examine-machine.ts';
import type { Report, Verdict } from '../src/doctor/finding.ts';
import type { Image, Target } from '../src/doctor/target.ts';
import { UserError } from '../src/user-error.ts';
import { numberOption } from './certs-sources.ts';
import { type Command, listOption, type Terminal, textOption } from './command.ts';

type Arguments = Readonly<Record<string, unknown>>;

const EXIT_CODES = { ok: 0, warning: 1, failed: 2 } as const;
const WATCH_MS = 5000;

/** `regcache doctor` */
export const doctorCommand: Command = {
  usage: 'doctor',
  summary: 'probe each upstream hop and this machine: what is wrong, and how to mend it',
  options: {
    config: { alias: 'c', type: 'string', describe: 'the cache’s configuration file', requiresArg: true },
    url: { type: 'string', describe: 'a server to probe instead; may be repeated', requiresArg: true },
    ca: {
      type: 'string',
      describe: 'with --url: a PEM file that is trusted; may be repeated',
      requiresArg: true,
    },
    image: { type: 'string', describe: 'repository:tag to read as a pull would', requiresArg: true },
    timeout: {
      type: 'string',
      default: '10',
      describe: 'seconds that all of it may take',
      requiresArg: true,
    },
    strict: { type: 'boolean', default: false, describe: 'exit code 1 where there is a warning' },
    watch: { type: 'boolean', default: false, describe: 'probe again and again, until Ctrl-C' },
    json: { type: 'boolean', default: false, describe: 'print JSON' },
  },
  examples: [
    ['$0 doctor --config china.yml', 'this machine and every hop of china.yml'],
    ['$0 doctor -c china.yml --image library/alpine:3.20', 'read that image too, as a pull would'],
    ['$0 doctor --url https://asia.example.com:5000 --ca cas.pem --json', 'one server, for programs'],
  ],
  exitCodes: [
    [EXIT_CODES.ok, 'nothing failed'],
    [EXIT_CODES.warning, 'there is a warning, with --strict'],
    [EXIT_CODES.failed, 'something failed, or the arguments or the configuration are wrong'],
  ],
  run: async (args, terminal) => {
    const { out, env } = terminal;
    const timeoutMs = numberOption(args, 'timeout', 1) * 1000;
    const plan = await readPlan(args, env);
    const colour = out.isTTY && (env['NO_COLOR'] ?? '') === '';
    const { reportText } = await import('../src/doctor/report-text.ts');
    const { worstOf } = await import('../src/doctor/finding.ts');
    const stop = new AbortController();
    const onSignal = (): void => stop.abort();
    process.once('SIGINT', onSignal);
    try {
      for (;;) {
        const reports = await examine(plan, { timeoutMs, signal: stop.signal, env });
        if (args['watch'] === true && out.isTTY) out.write('\u001B[2J\u001B[H');
        out.write(args['json'] === true ? `${JSON.stringify(reports)}\n` : reportText(reports, colour));
        const code = exitCode(worstOf(reports), args['strict'] === true);
        if (args['watch'] !== true || stop.signal.aborted) return code;
        await sleep(WATCH_MS, undefined, { signal: stop.signal }).catch(() => undefined);
        if (stop.signal.aborted) return code;
      }
    } finally {
      process.off('SIGINT', onSignal);
    }
  },
};

function exitCode(worst: Verdict, isStrict: boolean): number {
  if (worst === 'failed') return EXIT_CODES.failed;
  return worst === 'warning' && isStrict ? EXIT_CODES.warning : EXIT_CODES.ok;
}

interface Plan {
  readonly targets: readonly Target[];
  readonly machine: Machine | undefined;
}

async function examine({ targets, machine }: Plan, options: ExamineOptions): Promise<readonly Report[]> {
  const { examineHop } = await import('../src/doctor/examine-hop.ts');
  const { examineMachine } = await import('../src/doctor/examine-machine.ts');
  const { regcacheAnswers } = await import('../src/doctor/regcache-answers.ts');
  return await Promise.all([
    ...(machine === undefined
      ? []
      : [
          examineMachine(machine, {
            running: async () => await regcacheAnswers(machine.listen, machine.tls !== undefined),
          }),
        ]),
    ...targets.map(async (target) => await examineHop(target, options)),
  ]);
}

async function readPlan(args: Arguments, env: Terminal['env']): Promise<Plan> {
  const image = imageOf(textOption(args, 'image'));
  const urls = listOption(args, 'url');
  const file = textOption(args, 'config');
  const cas = listOption(args, 'ca');
  if (urls.length > 0) {
    if (file !== undefined) {
      throw new UserError('USAGE', '--url and --config each say what to probe', { hint: 'give one of them' });
    }
    return { machine: undefined, targets: urls.map((url) => urlTarget(url, cas, image)) };
  }
  if (cas.length > 0) {
    throw new UserError('USAGE', '--ca means something with --url only', {
      hint: 'the configuration names its own in cas',
    });
  }
  const { loadConfig } = await import('../src/config/load-config.ts');
  const { config, warnings, source } = await loadConfig({
    file,
    env,
    readFile: async (name) => readFile(name, 'utf8'),
  });
  return {
    machine: machineOf(config, source, warnings),
    targets: config.upstreams.flatMap((upstream) => targetsOf(upstream, image)),
  };
}

function machineOf(
  { storage, cache, http }: Config,
  configName: string,
  warnings: readonly string[],
): Machine {
  return {
    configName,
    warnings,
    root: storage.root,
    blobTtlMs: cache.blobTtlMs,
    deleteEnabled: storage.deleteEnabled,
    listen: http.listen,
    tls: http.tls,
    connections: http.limits.connections,
  };
}

function targetsOf(
  { hops, fallback, namespace, sendNamespace }: UpstreamConfig,
  image: Image | undefined,
): readonly Target[] {
  return [...hops, ...(fallback === undefined ? [] : [fallback])].map((hop) =>
    targetOf(hop, sendNamespace ? namespace : undefined, image),
  );
}

function targetOf(hop: HopConfig, namespace: string | undefined, image: Image | undefined): Target {
  const { url, role, credentials, caFiles, clientCertificate, realms } = hop;
  return {
    url: new URL(url),
    role,
    namespace: role === 'hop' ? namespace : undefined,
    credentials,
    caFiles,
    clientCertificate,
    realms,
    image,
  };
}

function urlTarget(text: string, caFiles: readonly string[], image: Image | undefined): Target {
  const url = parseServerUrl(text);
  if (!url.ok) throw new UserError('USAGE', `--url: ${url.problem}`, { value: text });
  const hop = {
    url: url.value,
    role: 'origin' as const,
    credentials: undefined,
    clientCertificate: undefined,
    realms: [],
  };
  return targetOf({ ...hop, caFiles }, undefined, image);
}

const IMAGE =
  /^(?<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?:@(?<digest>sha256:[0-9a-f]{64})|:(?<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?$/;

function imageOf(text: string | undefined): Image | undefined {
  if (text === undefined) return undefined;
  const { repository, digest, tag } = IMAGE.exec(text)?.groups ?? {};
  if (repository !== undefined) return { repository, reference: digest ?? tag ?? 'latest' };
  throw new UserError('USAGE', `--image ${JSON.stringify(text)} is no image`, {
    value: text,
    hint: 'write repository:tag without a server: library/alpine:3.20',
  });
}
