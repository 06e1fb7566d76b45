/**
 * The artifact of the function `prepare`, invoked as a deployment does: by Lambda's API, in AWS's runtime client. It prepares
 * databases of a server whose master user is no superuser, as on RDS.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeArtifacts } from '../../infra/aws/artifacts.ts';
import { invokePrepare } from '../../infra/aws/invoke-prepare.ts';
import { lambdaVariables } from '../../infra/aws/testing/deployment.ts';
import { serveLambdaApi } from '../../infra/aws/testing/lambda-api.ts';
import {
  type SecretsManager,
  startSecretsManager,
} from '../../infra/aws/testing/secrets-manager/server.ts';
import { unzip, writeFiles } from '../../infra/aws/testing/unzip.ts';
import { applicationEnvironment } from '../../infra/local/environment.ts';
import { openHome, openSecrets } from '../../infra/local/home/home.ts';
import { secretVariables } from '../../lib/runtime/secret-variables.ts';
import { createAuthority } from '../support/certificate.ts';
import { type OwnPostgres, startOwnPostgres } from '../support/own-postgres.ts';
import { turnTlsOn } from '../support/postgres-tls.ts';
import { home, sql, stack } from '../support/stack.ts';

const functionName = 'streamsync-test-prepare';
const handler = 'handlers/operations/prepare.handler';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const region = 'us-east-1';
const password = 'password-of-a-test';
const administrator = { email: 'first@example.com', password: 'first-password-of-a-test' };

let taskRoot: string;
let server: OwnPostgres;
let secretsManager: SecretsManager;
let variables: Record<string, string>;

const authority = createAuthority();

/** `ca` is the file of certificates that the server's has to be of; the artifact has one, in its working directory. */
function urlOf(role: string, database: string, host = 'localhost', ca = packedCa): string {
  const url = new URL(server.url);
  Object.assign(url, { hostname: host, username: role, password, pathname: `/${database}` });
  url.search = `?sslmode=verify-full&sslrootcert=${ca}`;
  return url.href;
}

const packedCa = 'database-ca.pem';
/** The URL for this process. */
const ownUrlOf = (role: string, database: string): string =>
  urlOf(role, database, 'localhost', join(taskRoot, packedCa));

beforeAll(async () => {
  [taskRoot, server, secretsManager] = await Promise.all([
    mkdtemp(join(tmpdir(), 'streamsync-prepare-')),
    startOwnPostgres(),
    startSecretsManager(region),
  ]);
  await writeFile(join(taskRoot, packedCa), authority.certificate);
  await turnTlsOn(server.url, server.directory, authority.issue('localhost'));
  // As rds.force_ssl does.
  const rules = join(server.directory, 'pg_hba.conf');
  const roles = 'master,streamsync,streamsync_writer';
  await writeFile(rules, `hostnossl all ${roles} all reject\n${await readFile(rules, 'utf8')}`);
  await sql(server.url, 'select pg_reload_conf()');
  await sql(server.url, `create role master login createrole createdb password '${password}'`);
  await sql(server.url, 'create database master owner master');
  // As docs/deploy.md says.
  for (const statement of [
    `create role streamsync login password '${password}'`,
    `create role streamsync_writer login password '${password}'`,
    'grant streamsync to master',
    'create database streamsync owner streamsync',
    'create database iot',
  ])
    await sql(ownUrlOf('master', 'master'), statement);

  const own = openHome({ STREAMSYNC_HOME: home() });
  variables = {
    ...applicationEnvironment(own, openSecrets(own), {
      url: 'https://exports.example.com',
      postgres: new URL(server.url).host,
      kafka: stack.kafka.brokers.join(','),
      s3Endpoint: stack.s3.endpoint,
    }),
    STREAMSYNC_CATALOGUE_URL: urlOf('streamsync', 'streamsync'),
    STREAMSYNC_SOURCES: JSON.stringify({ iot: { url: urlOf('master', 'iot') } }),
    STREAMSYNC_READINGS: JSON.stringify({ source: 'iot', url: urlOf('streamsync_writer', 'iot') }),
    STREAMSYNC_AUDIT_RETENTION_DAYS: '30',
  };
  const [artifact] = await makeArtifacts(
    { prepare: handler },
    {
      root: process.cwd(),
      directory: join(taskRoot, 'zip'),
      pipelines: '',
      databaseCa: relative(process.cwd(), join(taskRoot, packedCa)),
    },
  );
  await writeFiles(taskRoot, await unzip(artifact?.path ?? ''));
});
afterAll(async () => {
  secretsManager.stop();
  await server.remove();
  await rm(taskRoot, { recursive: true });
});

/** Invokes the function with further variables, and what its secret has. */
async function prepare(
  changed: Record<string, string> = {},
  secret: object = {},
): Promise<unknown> {
  const isSecret = ([name]: [string, unknown]): boolean =>
    secretVariables.some((variable) => variable === name);
  const all = Object.entries({ ...variables, ...changed });
  const id = randomBytes(6).toString('hex');
  const arn = await secretsManager.create(
    `functions-${id}`,
    JSON.stringify(Object.fromEntries(all.filter(isSecret))),
  );
  const preparationArn = await secretsManager.create(
    `preparation-${id}`,
    JSON.stringify({
      catalogueOwnerUrl: urlOf('master', 'streamsync'),
      readingsOwnerUrl: urlOf('master', 'iot'),
      administrator,
      ...secret,
    }),
  );
  const api = await serveLambdaApi({
    taskRoot,
    functionName,
    handler,
    environment: {
      ...lambdaVariables,
      ...Object.fromEntries(all.filter((entry) => !isSecret(entry))),
      ...secretsManager.environment,
      STREAMSYNC_SECRET_ARN: arn,
      STREAMSYNC_PREPARATION_SECRET_ARN: preparationArn,
    },
  });
  try {
    return await invokePrepare(
      {
        functions: [
          {
            name: 'prepare',
            lambdaName: functionName,
            kind: 'operations',
            timeout: 840,
            eventSources: [],
            role: '',
            logGroup: '',
          },
        ],
      },
      { endpoint: api.endpoint, region, credentials },
    );
  } finally {
    api.close();
  }
}

const administrators = () =>
  sql<{ email: string }>(
    ownUrlOf('streamsync', 'streamsync'),
    `select email from accounts where role = 'admin'`,
  );

test('a bucket that is not there fails the deployment', async () => {
  await expect(prepare({ STREAMSYNC_S3_BUCKET: 'not-there' })).rejects.toThrow(
    'not prepared. streamsync-test-prepare: bucket: NotFound',
  );
});

test('a secret without the owner of the readings fails the deployment, before anything is changed', async () => {
  await expect(prepare({}, { readingsOwnerUrl: undefined })).rejects.toThrow(
    'needs readingsOwnerUrl',
  );
  const tables = await sql(
    ownUrlOf('streamsync', 'streamsync'),
    `select from pg_class where relname = 'migrations'`,
  );
  expect(tables).toEqual([]);
});

test('catalogue, readings and the first administrator are prepared, once', async () => {
  const report = await prepare();
  expect(report).toMatchObject({
    migrations: expect.arrayContaining(['0001_catalogue', '0001_readings']),
    administratorCreated: true,
  });
  const url = ownUrlOf('streamsync', 'streamsync');
  const slots = await sql<{ partition: number }>(url, 'select partition from slots order by 1');
  expect(slots.map(({ partition }) => partition)).toEqual([0, 1, 2, 3]);
  expect(await administrators()).toEqual([{ email: administrator.email }]);
  const entries = await sql(url, 'select actor, action, target from audit.entries');
  expect(entries).toEqual([
    { actor: 'command', action: 'account.create', target: administrator.email },
  ]);
  await expect(sql(url, 'delete from audit.entries')).rejects.toThrow('permission denied');
  const [retention] = await sql(
    ownUrlOf('master', 'streamsync'),
    'select retention_days from audit.settings',
  );
  expect(retention).toEqual({ retention_days: 30 });
  expect(await sql(ownUrlOf('streamsync_writer', 'iot'), 'select from readings')).toEqual([]);

  const other = { email: 'second@example.com', password: 'second-password-of-a-test' };
  expect(await prepare({}, { administrator: other })).toEqual({
    migrations: [],
    administratorCreated: false,
  });
  expect(await administrators()).toEqual([{ email: administrator.email }]);
});

test('a database that does not answer fails the deployment, with a message without passwords', async () => {
  const url = new URL(urlOf('streamsync', 'streamsync'));
  url.port = '1';
  const failed = prepare({ STREAMSYNC_CATALOGUE_URL: url.href });
  await expect(failed).rejects.toThrow('catalogue: ECONNREFUSED');
  await expect(failed).rejects.not.toThrow(password);
});

describe('the certificate of PostgreSQL', () => {
  const catalogueBy = (host: string, ca: string): Promise<unknown> =>
    prepare({ STREAMSYNC_CATALOGUE_URL: urlOf('streamsync', 'streamsync', host, ca) });

  test('must be of the authority in the artifact', async () => {
    const other = join(taskRoot, 'other.pem');
    await writeFile(other, createAuthority('another authority').certificate);
    await expect(catalogueBy('localhost', other)).rejects.toThrow(
      'catalogue: UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    );
  });

  test('must name the host', async () => {
    await expect(catalogueBy('127.0.0.1', packedCa)).rejects.toThrow(
      'catalogue: ERR_TLS_CERT_ALTNAME_INVALID',
    );
  });

  test('is required of a database that accepts no other connection', async () => {
    const url = new URL(urlOf('streamsync', 'streamsync'));
    url.search = '';
    await expect(prepare({ STREAMSYNC_CATALOGUE_URL: url.href })).rejects.toThrow(
      /catalogue: 28000 .*no encryption/,
    );
  });
});
