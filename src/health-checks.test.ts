import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { hangs, redirectsTo, says } from '../fixtures/behaviour.ts';
import { freePort } from '../fixtures/free-port.ts';
import { ManualClock } from '../fixtures/manual-clock.ts';
import { startScriptedUpstream } from '../fixtures/scripted-upstream.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';
import type { Clock } from './async/clock.ts';
import type { HealthCheckConfig } from './config/config.ts';
import { HealthChecks } from './health-checks.ts';
import { Telemetry } from './telemetry/telemetry.ts';

const TIMES = { threshold: 0, intervalMs: 10_000, timeoutMs: 3000 };
const HTTP = { kind: 'http', headers: {}, status: 200, ...TIMES } as const;

/** A check that runs, by a clock that stands still. */
class Checked implements AsyncDisposable {
  readonly clock = new ManualClock();
  /** What it told, as `failed: why` or `passed`. */
  readonly told: string[] = [];
  readonly #checks: HealthChecks;
  /** How often it has looked and gone to sleep for its interval. */
  #looks = 0;
  #intervals = 0;

  constructor(check: HealthCheckConfig) {
    const telemetry = new Telemetry();
    telemetry.subscribe((event) => {
      if (event.kind === 'check-failed') this.told.push(`failed: ${event.reason}`);
      if (event.kind === 'check-passed') this.told.push('passed');
    });
    const clock: Clock = {
      now: () => this.clock.now(),
      monotonic: () => this.clock.monotonic(),
      sleep: async (milliseconds, signal) => {
        if (milliseconds === check.intervalMs) this.#looks += 1;
        await this.clock.sleep(milliseconds, signal);
      },
    };
    this.#checks = new HealthChecks([check], { clock, telemetry });
  }

  /** Lets its interval pass, and waits until it has looked once more. */
  async again(): Promise<void> {
    await this.looked();
    this.#intervals += 1;
    await this.clock.advance(TIMES.intervalMs);
    await this.looked();
  }

  /** Waits until it has looked, for the first time or after the last interval. */
  async looked(): Promise<void> {
    await vi.waitUntil(() => this.#looks === this.#intervals + 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#checks[Symbol.asyncDispose]();
    if (this.clock.sleeping > 0) throw new Error('a check that has ended still waits');
  }
}

describe('a file', () => {
  it('takes the cache out while it exists, and is looked for at once and after each interval', async () => {
    await using folder = await tempFolder('check');
    const path = join(folder.path, 'away');
    await writeFile(path, '');
    await using checked = new Checked({ kind: 'file', path, ...TIMES });
    await checked.again();
    expect(checked.told).toEqual(['failed: file exists']);
    await rm(path);
    await checked.again();
    expect(checked.told).toEqual(['failed: file exists', 'passed']);
  });

  it('that cannot be looked for fails', async () => {
    await using folder = await tempFolder('check');
    await writeFile(join(folder.path, 'file'), '');
    await using checked = new Checked({ kind: 'file', path: join(folder.path, 'file', 'away'), ...TIMES });
    await checked.looked();
    expect(checked.told).toEqual([expect.stringContaining('ENOTDIR')]);
  });
});

describe('a server', () => {
  it('is asked by HEAD with the configured fields, and fails with another status', async () => {
    await using server = await startScriptedUpstream();
    server.on('HEAD', '/up', says(503)).always('HEAD', '/up', says(204));
    const headers = { 'X-Key': ['open'], Accept: ['a/b'] };
    const uri = `${server.url}/up`;
    await using checked = new Checked({ ...HTTP, uri, headers, status: 204 });
    await checked.again();
    expect(checked.told).toEqual(['failed: it answers 503, not 204', 'passed']);
    expect(server.requests[0]?.headers).toMatchObject({ 'x-key': 'open', accept: 'a/b' });
  });

  it('may redirect', async () => {
    await using server = await startScriptedUpstream();
    server.always('HEAD', '/up', redirectsTo('/there')).always('HEAD', '/there', says(200));
    await using checked = new Checked({ ...HTTP, uri: `${server.url}/up` });
    await checked.again();
    expect(server.count('HEAD', '/there')).toBe(2);
    expect(checked.told).toEqual([]);
  });

  it('fails from as many failures in a row on as its threshold, and passes with the first success', async () => {
    await using server = await startScriptedUpstream();
    server
      .on('HEAD', '/up', says(500), 2)
      .on('HEAD', '/up', says(200))
      .on('HEAD', '/up', says(500), 4)
      .always('HEAD', '/up', says(200));
    await using checked = new Checked({ ...HTTP, uri: `${server.url}/up`, threshold: 3 });
    for (let looks = 2; looks <= 5; looks += 1) await checked.again();
    expect(checked.told).toEqual([]);
    await checked.again();
    expect(checked.told).toEqual(['failed: it answers 500, not 200']);
    await checked.again();
    await checked.again();
    expect(checked.told).toEqual(['failed: it answers 500, not 200', 'passed']);
  });

  it('that does not answer in time fails', async () => {
    await using server = await startScriptedUpstream();
    server.always('HEAD', '/up', hangs());
    await using checked = new Checked({ ...HTTP, uri: `${server.url}/up` });
    await server.asked('HEAD', '/up');
    await checked.clock.advance(TIMES.timeoutMs);
    await checked.looked();
    expect(checked.told).toEqual(['failed: no answer in 3 s']);
  });

  it('that cannot be reached fails, and tells when the reason changes', async () => {
    const port = await freePort();
    await using checked = new Checked({ ...HTTP, uri: `http://127.0.0.1:${port}/` });
    await checked.looked();
    expect(checked.told).toEqual([`failed: connect ECONNREFUSED 127.0.0.1:${port}`]);
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    await checked.again();
    expect(checked.told.at(-1)).toBe('failed: it answers 404, not 200');
    server.close();
  });
});

describe('a port', () => {
  it('passes while it takes connections', async () => {
    await using server = await startScriptedUpstream();
    const port = await freePort();
    await using open = new Checked({ kind: 'tcp', host: '127.0.0.1', port: server.port, ...TIMES });
    await using shut = new Checked({ kind: 'tcp', host: '127.0.0.1', port, ...TIMES });
    await shut.looked();
    expect(shut.told).toEqual([`failed: connect ECONNREFUSED 127.0.0.1:${port}`]);
    await open.again();
    expect(open.told).toEqual([]);
  });
});

describe('the end', () => {
  it('does not wait for a look that hangs, and tells nothing', async () => {
    await using server = await startScriptedUpstream();
    server.always('HEAD', '/up', hangs());
    const told: string[] = [];
    {
      await using checked = new Checked({ ...HTTP, uri: `${server.url}/up` });
      await server.asked('HEAD', '/up');
      told.push(...checked.told);
    }
    expect(told).toEqual([]);
  });
});
