/**
 * The secret of a deployment: one JSON object in AWS Secrets Manager, with the variables of the configuration that must
 * not stand in a template or in the environment of a function, where the console shows them. Each artifact calls
 * `loadSecret` before it has a handler (infra/aws/bundle.ts). Without STREAMSYNC_SECRET_ARN, as on one machine, the environment has everything.
 */
import { z } from 'zod';
import { secretVariables } from './secret-variables.ts';

/** A variable that is JSON need not be a text in the secret. */
const valueSchema = z
  .union([z.string(), z.record(z.string(), z.unknown())], { error: 'must be a text or an object' })
  .transform((value) => (typeof value === 'string' ? value : JSON.stringify(value)));

/** The secret of all functions. */
export const secretSchema = z.partialRecord(z.enum(secretVariables), valueSchema);

let variables: z.output<typeof secretSchema> = {};

/** Returns the environment of this process, with the variables of the secret that `loadSecret` has read. */
export const environment = (): NodeJS.ProcessEnv => ({ ...process.env, ...variables });

/** The start of a function may take 10 s. */
const attempts = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1_000, socketTimeout: 2_000 },
};

/** Reads the secret that STREAMSYNC_SECRET_ARN names. Throws an error without any of its values. */
export async function loadSecret(): Promise<void> {
  const arn = process.env.STREAMSYNC_SECRET_ARN;
  if (arn) variables = await readSecret(arn, secretSchema);
}

/** Returns what a secret has, checked by a schema. Throws an error without any of its values. */
export async function readSecret<S extends z.ZodType>(
  arn: string,
  schema: S,
): Promise<z.output<S>> {
  // Without a secret, its client is not needed.
  const { GetSecretValueCommand, SecretsManagerClient } = await import(
    '@aws-sdk/client-secrets-manager'
  );
  const client = new SecretsManagerClient(attempts);
  const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
  return parseSecret(SecretString, schema);
}

/** The same of the text of a secret. */
export function parseSecret<S extends z.ZodType>(text: string, schema: S): z.output<S> {
  const { data, error } = schema.safeParse(jsonOf(text));
  if (!error) return data;
  const lines = error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`);
  throw new Error(`Errors in the secret:\n${lines.join('\n')}`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The message of the error would have a part of the text.
    throw new Error('The secret is not JSON');
  }
}
