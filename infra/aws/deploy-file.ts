/**
 * `deploy.<stage>.yml` of a deployment: what depends on the AWS account. serverless.yml reads it through
 * infra/serverless/deployment.cjs, and plugin.ts in `custom.deployment`. deploy.example.yml has every field.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { errorMessage } from '../../lib/runtime/errors.ts';

const text = (pattern: RegExp, error: string) => z.string({ error }).regex(pattern, { error });

const list = (pattern: RegExp, max: number, error: string) =>
  z.array(text(pattern, error), { error }).min(1, { error }).max(max, { error });

const wholeNumber = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

const clusterArn =
  /^arn:aws(?:-cn|-us-gov)?:kafka:(?<region>[\w-]+):(?<account>\d{12}):cluster\/[\w.-]+\/[\w-]+$/;

const secretArn =
  /^arn:aws(?:-cn|-us-gov)?:secretsmanager:(?<region>[\w-]+):(?<account>\d{12}):secret:[\w/+=.@-]+-\w{6}$/;
const secretError =
  'must be the ARN of a secret, as arn:aws:secretsmanager:<region>:<account>:secret:<name>-<6 characters>';

const fieldsSchema = z.strictObject({
  account: text(
    /^(?!0{12}$)\d{12}$/,
    "must be the id of an AWS account: 12 digits in quotes, as '123456789012'",
  ),
  region: text(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'must be a region of AWS, as eu-central-1'),
  vpc: z.strictObject(
    {
      subnetIds: list(
        /^subnet-[0-9a-f]{8,17}$/,
        16,
        'must be a list of 1 to 16 subnets, as subnet-0123456789abcdef0',
      ),
      securityGroupIds: list(
        /^sg-[0-9a-f]{8,17}$/,
        5,
        'must be a list of 1 to 5 security groups, as sg-0123456789abcdef0',
      ),
    },
    { error: 'must have subnetIds and securityGroupIds, and nothing else' },
  ),
  /** The network of these subnets: objects can be read only from there. */
  vpcId: text(/^vpc-[0-9a-f]{8,17}$/, 'must be the id of a VPC, as vpc-0123456789abcdef0'),
  clusterArn: text(
    clusterArn,
    'must be the ARN of an MSK cluster, as arn:aws:kafka:<region>:<account>:cluster/<name>/<uuid>',
  ),
  bucket: text(
    /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
    'must be the name of a bucket: 3 to 63 lower-case letters, digits and hyphens',
  ),
  /** The secret with the variables of lib/runtime/secret.ts. */
  secretArn: text(secretArn, secretError),
  /** The secret of infra/prepare/deployment.ts, which only the function `prepare` may read. */
  preparationSecretArn: text(secretArn, secretError),
  /** Whether the secret has STREAMSYNC_READINGS: then there are event sources for readings. */
  readings: z.boolean({ error: 'must be true or false' }).default(false),
  /** The key that encrypts every object. Empty: a key of S3. */
  kmsKey: text(
    /^(?:arn:aws(?:-cn|-us-gov)?:kms:[\w-]+:\d{12}:key\/[\w-]+)?$/,
    'must be the ARN of a KMS key, as arn:aws:kms:<region>:<account>:key/<id>, or absent',
  ).default(''),
  /** The file with the certificates of the authority of PostgreSQL, which each artifact gets. Empty: none. */
  databaseCa: text(
    /^(?:[\w.-][\w./-]*)?$/,
    'must be the path of a file of certificates from the directory of serverless.yml, as rds-ca.pem, or absent',
  ).default(''),
  /** Where alarms are sent. Absent: they only show in CloudWatch. */
  alarmTopic: text(
    /^arn:aws(?:-cn|-us-gov)?:sns:[\w-]+:\d{12}:[\w-]+$/,
    'must be the ARN of an SNS topic, as arn:aws:sns:<region>:<account>:<name>, or absent',
  ).optional(),
  /**
   * MB of the export worker. Lambda gives a processor for each 1,769 MB: 3,538 MB are two, for one thread that reads and
   * one that encodes XLSX or Parquet. The worker's memory budget would fit into 1,024 MB, with 0.6 of a processor.
   */
  workerMemory: wholeNumber(1_024, 10_240).default(3_538),
  /** Concurrent calls of each function that opens connections to sources. Every call may have its own connections. */
  sourceConcurrency: wholeNumber(1, 100).default(4),
  /** Concurrent calls of each other function. */
  concurrency: wholeNumber(1, 100).default(3),
});

const deploymentSchema = fieldsSchema.superRefine(({ account, region, ...fields }, context) => {
  for (const [field, pattern] of Object.entries({
    clusterArn,
    secretArn,
    preparationSecretArn: secretArn,
  })) {
    const place = pattern.exec(Reflect.get(fields, field))?.groups;
    if (place?.account !== account || place.region !== region)
      context.addIssue({
        code: 'custom',
        path: [field],
        message: `must be in the account ${account} and the region ${region}, as the fields account and region say`,
      });
  }
});

export type Deployment = z.output<typeof deploymentSchema>;

/** Serverless prints the stack of an error. The message of this one is all that the operator needs. */
class DeployFileError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DeployFileError';
    this.stack = message;
  }
}

/** Returns what the deploy file in `path` has. Throws an error that names the file and each field that is wrong. */
export function readDeployFile(path: string): Deployment {
  const file = basename(path);
  if (!existsSync(path))
    throw new DeployFileError(
      `${file} is missing: copy deploy.example.yml to ${file} and adapt it (docs/deploy.md)`,
    );
  return parseDeployment(parseFile(path), file);
}

/** The same for contents that were parsed before. */
export function parseDeployment(contents: unknown, file: string): Deployment {
  const { data, error } = deploymentSchema.safeParse(contents);
  if (data) return data;
  const lines = error.issues.map(({ path, message }) => `${path.join('.') || 'file'}: ${message}`);
  throw new DeployFileError(
    `${file} is wrong (deploy.example.yml has every field):\n  ${lines.join('\n  ')}`,
  );
}

function parseFile(path: string): unknown {
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new DeployFileError(`${basename(path)} is not YAML: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}
