import { describe, expect, it } from 'vitest';
import { ask } from '../../fixtures/client.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { systemClock } from '../async/clock.ts';
import { loadConfig } from '../config/load-config.ts';
import { Daemon } from '../daemon.ts';
import { Telemetry } from '../telemetry/telemetry.ts';

describe('http.headers', () => {
  it('go out with every answer, errors too', async () => {
    await using folder = await tempFolder();
    const { config } = await loadConfig({
      file: 'config.yml',
      env: {},
      readFile: () =>
        Promise.resolve(`version: 0.1
storage: {filesystem: {rootdirectory: ${folder.path}}}
http:
  addr: 127.0.0.1:0
  prefix: /some/path/
  headers: {X-Content-Type-Options: [nosniff], X-Many: [a, b]}
proxy: {remoteurl: http://127.0.0.1:1}
`),
    });
    await using daemon = await Daemon.start(config, { clock: systemClock, telemetry: new Telemetry() });
    for (const [path, status] of [
      ['/some/path/v2/', 200],
      ['/v2/', 404],
      ['/some/path/v2/a/manifests/v1', 502],
    ] as const) {
      const answer = await ask(`${daemon.url}${path}`);
      expect([path, answer.status]).toEqual([path, status]);
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
      expect(answer.headers['x-many']).toBe('a, b');
      expect(answer.headers['docker-distribution-api-version']).toBe('registry/2.0');
    }
  });
});
