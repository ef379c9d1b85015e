import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { needPeers } from '../fixtures/peers.ts';
import { PROGRAM } from '../fixtures/program.ts';
import { runProgram } from '../fixtures/run-program.ts';
import { type TempFolder, tempFolder } from '../fixtures/temp-folder.ts';

/** A folder with a `regcache` that shells find. */
async function withProgram(): Promise<TempFolder> {
  const folder = await tempFolder('completion');
  const command = [PROGRAM.file, ...PROGRAM.args].map((word) => `'${word}'`).join(' ');
  await writeFile(join(folder.path, 'regcache'), `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
  return folder;
}

describe('regcache completion', () => {
  test('completes commands, groups and options in bash', async () => {
    await using folder = await withProgram();
    // What readline does for a TAB: it calls what was registered, and looks into COMPREPLY.
    const script = `
      source <(regcache completion)
      function_name=$(complete -p regcache | sed 's/.*-F \\([^ ]*\\).*/\\1/')
      for line in 'cert' 'certs b' 'certs bundle --o' 'serve --c' 'bench --re' 'xyzzy'; do
        COMP_WORDS=(regcache $line) COMP_CWORD=$(set -- $line; echo $#) COMPREPLY=()
        $function_name
        echo "$line: \${COMPREPLY[*]}"
      done`;
    const path = `${folder.path}:${process.env['PATH'] ?? ''}`;
    const { stdout, stderr } = await runProgram('bash', ['-c', script], {
      env: { PATH: path, SHELL: '/bin/bash' },
    });
    expect([stdout.trimEnd().split('\n'), stderr]).toEqual([
      [
        'cert: certs',
        'certs b: bundle',
        'certs bundle --o: --out',
        'serve --c: --config',
        'bench --re: --report --require',
        'xyzzy:',
      ],
      '',
    ]);
  });

  test('takes a TAB at a prompt of bash', async (context) => {
    needPeers(context, 'script');
    await using folder = await withProgram();
    const keys = 'source <(regcache completion)\nregcache cert\tdev --he\t\nexit\n';
    await writeFile(join(folder.path, 'keys'), keys);
    const type = `script --quiet --return --command 'bash --noprofile --norc -i' /dev/null < '${folder.path}/keys'`;
    const env = { PATH: `${folder.path}:${process.env['PATH'] ?? ''}`, SHELL: '/bin/bash', TERM: 'dumb' };
    const { stdout } = await runProgram('sh', ['-c', type], { env });
    expect(stdout).toContain('regcache certs dev --help ');
    expect(stdout).toContain('make a CA and server certificates for development');
  });

  test('loads in zsh', async (context) => {
    needPeers(context, 'zsh');
    await using folder = await withProgram();
    const script = `autoload -U compinit && compinit -D -u && source <(regcache completion) && print \${_comps[regcache]}`;
    const env = { PATH: `${folder.path}:${process.env['PATH'] ?? ''}`, SHELL: '/bin/zsh' };
    const ran = await runProgram('zsh', ['-f', '-c', script], { env });
    expect(ran).toMatchObject({ exitCode: 0, stdout: '_regcache_yargs_completions\n' });
  });
});
