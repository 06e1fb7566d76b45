import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseDeployment, readDeployFile } from './deploy-file.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'streamsync-deploy-file-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const example = z
  .record(z.string(), z.unknown())
  .parse(parse(readFileSync('deploy.example.yml', 'utf8')));
const parseWith = (fields: object): unknown =>
  parseDeployment({ ...example, ...fields }, 'deploy.prod.yml');

test('deploy.example.yml has every field, and the defaults of those that are optional', () => {
  const {
    workerMemory,
    sourceConcurrency,
    concurrency,
    databaseCa,
    kmsKey,
    alarmTopic,
    readings,
    ...required
  } = example;
  expect(parseDeployment(required, 'deploy.prod.yml')).toEqual({
    ...required,
    readings: false,
    workerMemory,
    sourceConcurrency,
    concurrency,
    kmsKey: '',
    databaseCa: '',
  });
  expect(parseWith({})).toEqual({
    ...required,
    readings,
    databaseCa,
    workerMemory,
    sourceConcurrency,
    concurrency,
    kmsKey,
    alarmTopic,
  });
});

test('a missing file is an error that says how to make it', () => {
  expect(() => readDeployFile(join(directory, 'deploy.prod.yml'))).toThrow(
    'deploy.prod.yml is missing: copy deploy.example.yml to deploy.prod.yml',
  );
});

test.each(['', 'text', '[]'])('a file with %j is an error', (contents) => {
  const path = join(directory, 'deploy.wrong.yml');
  writeFileSync(path, contents);
  expect(() => readDeployFile(path)).toThrow('deploy.wrong.yml is wrong');
});

test('a file that is not YAML is an error', () => {
  const path = join(directory, 'deploy.text.yml');
  writeFileSync(path, 'account: [');
  expect(() => readDeployFile(path)).toThrow('deploy.text.yml is not YAML');
});

const otherRegion = 'arn:aws:kafka:us-east-1:123456789012:cluster/streamsync/751d2973';
const secretElsewhere = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:streamsync-a1B2c3';
const otherAccount = 'arn:aws:kafka:eu-central-1:210987654321:cluster/streamsync/751d2973';

test.each([
  ['account', { account: undefined }, '12 digits in quotes'],
  ['account', { account: 123456789012 }, '12 digits in quotes'],
  ['account', { account: '000000000000' }, '12 digits in quotes'],
  ['region', { region: 'frankfurt' }, 'a region of AWS, as eu-central-1'],
  ['vpc', { vpc: undefined }, 'subnetIds and securityGroupIds'],
  ['vpc.subnetIds', { vpc: { subnetIds: [], securityGroupIds: ['sg-01234567'] } }, '1 to 16'],
  ['vpcId', { vpcId: 'subnet-0123456789abcdef0' }, 'the id of a VPC'],
  ['clusterArn', { clusterArn: otherRegion }, 'the region eu-central-1'],
  ['clusterArn', { clusterArn: otherAccount }, 'the account 123456789012'],
  ['secretArn', { secretArn: 'streamsync-prod' }, 'the ARN of a secret'],
  ['secretArn', { secretArn: secretElsewhere }, 'the region eu-central-1'],
  ['readings', { readings: 'yes' }, 'true or false'],
  ['bucket', { bucket: 'Exports' }, '3 to 63 lower-case letters'],
  ['kmsKey', { kmsKey: 'alias/exports' }, 'the ARN of a KMS key'],
  ['databaseCa', { databaseCa: '/etc/ssl/rds.pem' }, 'from the directory of serverless.yml'],
  ['alarmTopic', { alarmTopic: 'mail@example.com' }, 'the ARN of an SNS topic'],
  ['workerMemory', { workerMemory: 512 }, 'a whole number from 1024 to 10240'],
  ['sourceConcurrency', { sourceConcurrency: 0 }, 'a whole number from 1 to 100'],
  ['concurrency', { concurrency: 101 }, 'a whole number from 1 to 100'],
  ['file', { memory: 1 }, 'memory'],
])(
  'a wrong %s is an error with the file, the field and what is allowed',
  (field, fields, allowed) => {
    const parseFields = (): unknown => parseWith(fields);
    expect(parseFields).toThrow('deploy.prod.yml is wrong');
    expect(parseFields).toThrow(`\n  ${field}: `);
    expect(parseFields).toThrow(allowed);
  },
);
