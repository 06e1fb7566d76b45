import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

/** `npm run pipeline`, and the examples of docs/pipelines.md. */
const page = await readFile('docs/pipelines.md', 'utf8');
const command = `node ${join(process.cwd(), 'infra/cli/pipeline.ts')}`;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'streamsync-pipeline-'));
  await symlink(join(process.cwd(), 'docs'), join(directory, 'docs'));
});
afterAll(() => rm(directory, { recursive: true }));

/** Runs a line of a shell in a directory of its own. */
async function run(line: string): Promise<{ code: number; output: string }> {
  const { promise, resolve } = Promise.withResolvers<{ code: number; output: string }>();
  execFile(
    'bash',
    ['-c', `${line} 2>&1`],
    {
      cwd: directory,
      env: {
        ...process.env,
        PATH: `${join(process.execPath, '..')}:${process.env.PATH}`,
        INIT_CWD: directory,
        STREAMSYNC_PIPELINES: '',
      },
      timeout: 60_000,
    },
    (error, stdout) => resolve({ code: Number(error?.code ?? 0), output: stdout }),
  );
  return promise;
}

const blocks = (pattern: RegExp): [name: string, text: string][] =>
  [...page.matchAll(pattern)].map(([, name = '', text = '']) => [name, text]);

describe('docs/pipelines.md', () => {
  const files = blocks(/<!-- file: (\S+) -->\n```\w+\n([\s\S]*?)```/g);
  test.each(files)('shows %s as it is', async (path, text) => {
    expect(text).toBe(await readFile(path, 'utf8'));
  });

  const commands = blocks(/<!-- run(?:: (\d+))? -->\n```\n\$ ([\s\S]*?)```/g).map(
    ([code, text]): [string, string, string] => {
      const [line = '', ...output] = text.split('\n');
      return [line, code || '0', output.join('\n')];
    },
  );
  test.each(commands)('shows what is printed by %s', async (line, code, output) => {
    expect(await run(line.replace('npm run pipeline --', command))).toEqual({
      code: Number(code),
      output,
    });
  });

  test('has three examples and the faults', () => {
    expect([files.length, commands.length]).toEqual([6, 6]);
  });

  test('names every field of a pipeline', async () => {
    const { pipelineSchema } = await import('../../lib/ingest/pipelines/definition.ts');
    const [, table = ''] = /## Fields\n([\s\S]*?)\n## /.exec(page) ?? [];
    const named = [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    );
    expect(named).toEqual(Object.keys(pipelineSchema.shape));
  });

  test('names the limits', async () => {
    const { limits } = await import('../../lib/ingest/pipelines/limits.ts');
    const { sizes, sizeText } = await import('../../lib/contracts/sizes.ts');
    const [, table = ''] = /## Limits\n([\s\S]*?)\n\n- /.exec(page) ?? [];
    const inOrder = [
      sizes.requestBytes,
      limits.depth,
      limits.readings,
      sizes.nameCharacters,
      limits.attributeBytes,
      limits.expressionCharacters,
      limits.convertedUnits,
      limits.fileBytes,
      limits.pipelines,
    ];
    expect(table.match(/(?<!-)\d{1,3}(?:,\d{3})*/g)).toEqual(inOrder.map(sizeText));
  });
});

describe('npm run pipeline', () => {
  const telegraf = 'docs/examples/pipelines/telegraf.yaml';

  test('passes key and headers to the expressions', async () => {
    await run(
      `printf "topic: t\\nformat: json\\nseries: join('/', [\\$.key, \\$.headers.device])\\nat: at\\nvalue: value\\n" > keyed.yaml`,
    );
    const { code, output } = await run(
      `echo '{"at": "2026-01-01T00:00:00Z", "value": 1}' | ${command} try keyed.yaml - --key plant --header device=a=b`,
    );
    expect([code, output]).toEqual([
      0,
      expect.stringContaining('plant/a=b  2026-01-01T00:00:00Z  1'),
    ]);
  });

  test.each([
    ['', 2, /^what to do\?\n\nusage:\n/],
    [`try ${telegraf} none.json`, 2, /none\.json cannot be read: ENOENT/],
    [`try ${telegraf} - --header x <<< {}`, 2, /--header x: it needs a name and a value/],
  ])('with "%s" exits with %i', async (args, code, output) => {
    expect(await run(`${command} ${args}`)).toEqual({
      code,
      output: expect.stringMatching(output),
    });
  });
});
