import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inheritedEnvironment } from '../../infra/local/environment.ts';
import { repoRoot } from '../../infra/local/home/home.ts';
import { interpreterOf, type PythonTool } from '../../infra/local/install/python.ts';
import { installForTests } from './python-tool.ts';

const part: PythonTool = {
  name: 'schemathesis',
  requirements: join(repoRoot, 'tests/fuzz/requirements.lock.txt'),
};

export const installSchemathesis = (seconds: number): Promise<void> =>
  installForTests(part, seconds);

/** The checks for each answer. The other checks of Schemathesis are opinions, such as 405 for every other method. */
const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
];

interface Fuzzed {
  exitCode: number | null;
  output: string;
}

/**
 * Calls every operation of the OpenAPI document but `revokeKey` for `seconds` in all: with its examples, with every bound of every
 * schema, and at random.
 */
export async function fuzz(
  api: string,
  key: string,
  { seconds, seed }: { seconds: number; seed: number },
): Promise<Fuzzed> {
  // Schemathesis keeps its findings in the working directory.
  const directory = await mkdtemp(join(tmpdir(), 'streamsync-fuzz-'));
  try {
    const child = spawn(
      interpreterOf(part),
      [
        '-m',
        'schemathesis.cli',
        `--config-file=${join(repoRoot, 'tests/fuzz/schemathesis.toml')}`,
        'run',
        `${api}/openapi.json`,
        `--url=${api}`,
        `--checks=${checks.join(',')}`,
        // It would find the id of its own key, and revoke it.
        '--exclude-operation-id=revokeKey',
        `--max-time=${seconds}`,
        '--max-examples=30',
        `--seed=${seed}`,
        '--generation-with-security-parameters=false',
        '--generation-database=none',
        '--request-timeout=30',
        '--continue-on-failure',
        '--warnings=off',
        '--no-color',
      ],
      {
        cwd: directory,
        env: { ...inheritedEnvironment(process.env), STREAMSYNC_FUZZ_KEY: key },
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: (seconds + 120) * 1_000,
      },
    );
    const chunks: string[] = [];
    child.stdout.on('data', (chunk) => chunks.push(String(chunk)));
    child.stderr.on('data', (chunk) => chunks.push(String(chunk)));
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    return { exitCode, output: chunks.join('') };
  } finally {
    await rm(directory, { recursive: true });
  }
}
