import type { Command } from './command.ts';

/** What `regcache bench` can be told. */
export const BENCH_OPTIONS: Command['options'] = {
  config: {
    alias: 'c',
    type: 'string',
    describe: 'bench.yml: variants, links or real servers',
    requiresArg: true,
  },
  client: { type: 'string', describe: 'whose habits: containerd, docker or skopeo', requiresArg: true },
  rounds: {
    type: 'string',
    describe: 'rounds, 6 by default: fewer can show no difference',
    requiresArg: true,
  },
  warm: { type: 'string', describe: 'warm pulls after each cold one', requiresArg: true },
  concurrency: { type: 'string', describe: 'clients at once, as in 1 or 1,4,16', requiresArg: true },
  clients: { type: 'string', describe: 'with plan: how many clients pull at once', requiresArg: true },
  parallel: { type: 'string', describe: 'layers that a client fetches at a time', requiresArg: true },
  platform: {
    type: 'string',
    describe: 'platform that is pulled, linux/amd64 by default',
    requiresArg: true,
  },
  seed: { type: 'string', describe: 'of images and orders', requiresArg: true },
  link: {
    type: 'string',
    describe: 'what if: asia-origin=rtt:150ms,rate:100mbit,loss:0.5%,jitter:3ms; may be repeated',
    requiresArg: true,
  },
  levels: {
    type: 'string',
    describe: 'what if: chains of so many caches at equal distances, as in 3 or 1..4',
    requiresArg: true,
  },
  'image-shape': {
    type: 'string',
    describe: 'default, few-large, many-small, single, or layers as in 4MiB,8x64KiB',
    requiresArg: true,
  },
  'allow-purge': { type: 'boolean', default: false, describe: 'live: run the purge commands of bench.yml' },
  json: { type: 'boolean', default: false, describe: 'print JSON' },
  csv: { type: 'boolean', default: false, describe: 'print CSV, a line for each pull' },
  report: { type: 'string', describe: 'write an HTML page with charts', requiresArg: true },
  save: { type: 'string', describe: 'keep the result in a file', requiresArg: true },
  compare: { type: 'string', describe: 'compare with a result that was kept', requiresArg: true },
  require: {
    type: 'string',
    describe: 'end with exit code 3 unless it holds, as in china.warm.p95<2s; may be repeated',
    requiresArg: true,
  },
};

export const BENCH_EXAMPLES: Command['examples'] = [
  ['$0 bench asia,china', 'asia alone, china through asia, and straight to the origin: all on this machine'],
  [
    '$0 bench "china>asia,china-only" --link china-asia=rtt:40ms',
    'chains spelled hop by hop, over other links',
  ],
  ['$0 bench --levels 1..4', 'what each further level brings'],
  [
    '$0 bench plan --clients 8 --link asia-origin=rtt:200ms,loss:0.1%',
    'try the sensible chains and settings',
  ],
  ['$0 bench asia,china --config bench.yml --report out.html', 'your own caches and images'],
  ['$0 bench china --require "china.warm.p95<2s"', 'guard a pipeline'],
];
