import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inheritedEnvironment } from '../../infra/local/environment.ts';
import { REPO } from '../../infra/local/home.ts';
import { interpreterOf, type PythonPart } from '../../infra/local/parts/python.ts';
import { installForTests } from './python-part.ts';

const part: PythonPart = {
  name: 'schemathesis',
  requirements: join(REPO, 'tests/fuzz/requirements.lock.txt'),
};

export const installSchemathesis = (seconds: number): Promise<void> =>
  installForTests(part, seconds);

/** What it holds against each answer: the rest of its checks are opinions, such as 405 for every other method. */
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
 * Asks every operation of the API that its OpenAPI document names, by examples, by every bound of every
 * schema, and at random, for so many seconds in all.
 */
export async function fuzz(
  api: string,
  key: string,
  { seconds, seed }: { seconds: number; seed: number },
): Promise<Fuzzed> {
  // It keeps what it found where it runs.
  const directory = await mkdtemp(join(tmpdir(), 'streamsync-fuzz-'));
  try {
    const child = spawn(
      interpreterOf(part),
      [
        '-m',
        'schemathesis.cli',
        `--config-file=${join(REPO, 'tests/fuzz/schemathesis.toml')}`,
        'run',
        `${api}/openapi.json`,
        `--url=${api}`,
        `--checks=${checks.join(',')}`,
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
