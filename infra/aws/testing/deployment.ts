import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseEnv, promisify } from 'node:util';
import { secretVariables } from '../../../lib/runtime/secret-variables.ts';
import { createAuthority } from '../../../tests/support/certificate.ts';
import { repoRoot } from '../../local/home/home.ts';
import { readDeployFile } from '../deploy-file.ts';

/** The deploy file that the packaged template is for. */
export const deployment = readDeployFile(join(repoRoot, 'deploy.example.yml'));

const example = definedOf(parseEnv(readFileSync(join(repoRoot, '.env.example'), 'utf8')));

/**
 * The variables with which a deployment is packaged. Nothing answers at any of these addresses. Of the variables in the
 * secret they have those of one machine, which must not get into a deployment.
 */
export const deploymentVariables: Readonly<Record<string, string>> = {
  ...example,
  STREAMSYNC_URL: 'https://exports.example.com',
  STREAMSYNC_PIPELINES: 'docs/examples/pipelines',
  STREAMSYNC_KAFKA_BROKERS: '127.0.0.1:1,127.0.0.1:2',
  STREAMSYNC_LIVE_ENDPOINT: 'https://f6g7h8i9j0.execute-api.eu-central-1.amazonaws.com/prod',
};

/** The variables in the secret of the deployment, with more sources than the environment of a function has room for. */
export const deploymentSecret: Readonly<Record<string, string>> = {
  ...Object.fromEntries(secretVariables.map((name) => [name, example[name] ?? ''])),
  STREAMSYNC_CATALOGUE_URL: 'postgres://streamsync:password@127.0.0.1:1/streamsync',
  STREAMSYNC_SOURCES: JSON.stringify(
    Object.fromEntries(
      ['sales', 'iot', ...Array.from({ length: 200 }, (_, index) => `shop-${index}`)].map(
        (name) => [name, { url: `postgres://reader:password@127.0.0.1:1/${name}` }],
      ),
    ),
  ),
  STREAMSYNC_READINGS: JSON.stringify({
    source: 'iot',
    url: 'postgres://writer:password@127.0.0.1:1/iot',
  }),
};

/** The variables of a function that `provider.environment` of serverless.yml does not have: those of Lambda. */
export const lambdaVariables: Readonly<Record<string, string>> = {
  AWS_REGION: 'eu-central-1',
  AWS_DEFAULT_REGION: 'eu-central-1',
  AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1024',
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
  AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/function',
  AWS_LAMBDA_LOG_STREAM_NAME: '2026/03/12/[$LATEST]0123456789abcdef0123456789abcdef',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_SESSION_TOKEN: 'test',
  LANG: 'en_US.UTF-8',
  TZ: ':UTC',
  PATH: '/var/lang/bin:/usr/local/bin:/usr/bin:/bin',
};

/** Files that a working directory may have and a deployment must not: `npm start` and developers write them. */
export const strayFiles = [
  '.env',
  '.local/credentials.json',
  '.parts/tool',
  'handlers/http/.env',
  'lib/secrets.json',
  'node_modules.log',
];

const copied = [
  'docs',
  'handlers',
  'infra',
  'lib',
  'tests',
  'web',
  'package.json',
  'serverless.yml',
];

/**
 * Returns a copy of the working directory with a deploy file of the stage `prod`, in which stray files are, too.
 * `node_modules` is a link.
 */
export function copyOfService(): string {
  const copy = mkdtempSync(join(tmpdir(), 'streamsync-package-'));
  for (const path of copied) cpSync(join(repoRoot, path), join(copy, path), { recursive: true });
  cpSync(join(repoRoot, 'deploy.example.yml'), join(copy, 'deploy.prod.yml'));
  writeFileSync(join(copy, deployment.databaseCa), createAuthority().certificate);
  symlinkSync(join(repoRoot, 'node_modules'), join(copy, 'node_modules'));
  for (const file of strayFiles) {
    mkdirSync(join(copy, dirname(file)), { recursive: true });
    writeFileSync(join(copy, file), 'not to be packed');
  }
  return copy;
}

/** Runs `serverless package` in a directory. Rejects with what it printed if it fails. */
export async function packageService(
  directory: string,
  variables: Readonly<Record<string, string>>,
  stage = 'prod',
): Promise<void> {
  await promisify(execFile)(
    process.execPath,
    ['node_modules/serverless/bin/serverless.js', 'package', '--stage', stage],
    {
      cwd: directory,
      env: { PATH: process.env.PATH, HOME: directory, ...variables },
      timeout: 300_000,
    },
  );
}

function definedOf(variables: NodeJS.Dict<string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}
