/**
 * What a deployment needs before its functions can work: what provision.ts of infra/local does for the stack of one
 * machine, by the same steps. Each of them can be repeated.
 */
import { z } from 'zod';
import { newAccountSchema } from '../../lib/contracts/accounts.ts';
import { pathsIn, readPipelines, topicsOf } from '../../lib/ingest/pipelines/load.ts';
import { createTopics } from '../../lib/messaging/kafka.ts';
import { config } from '../../lib/runtime/config.ts';
import { errorCode, errorMessage } from '../../lib/runtime/errors.ts';
import { readSecret } from '../../lib/runtime/secret.ts';
import { checkStorage } from '../../lib/storage/s3.ts';
import { prepareReadingsStore } from '../postgres/databases.ts';
import { createFirstAdministrator } from './administrator.ts';
import { prepareCatalogue } from './catalogue.ts';

const ownerUrl = z.url({ protocol: /^postgres(ql)?$/ });

/** The secret of the preparation. Only its function may read it: the roles in it may do what those of the others may not. */
const settingsSchema = z.strictObject({
  /** Of a role that may create roles, and that is no role of the functions. */
  catalogueOwnerUrl: ownerUrl,
  /** Of the owner of the database in which readings are stored. */
  readingsOwnerUrl: ownerUrl.optional(),
  /** Created unless there is an administrator. */
  administrator: newAccountSchema.pick({ email: true }).extend({
    password: newAccountSchema.shape.password.unwrap(),
  }),
});

export interface PreparationReport {
  /** The names of those that were missing. */
  migrations: string[];
  administratorCreated: boolean;
}

/** Throws an error that names the step that failed, without anything of the secrets. */
export async function prepareDeployment(secretArn: string): Promise<PreparationReport> {
  const settings = await step('secret', readSecret(secretArn, settingsSchema));
  const { catalogueOwnerUrl, readingsOwnerUrl, administrator } = settings;
  const { catalogueUrl, readings, pipelines, auditRetentionDays } = config();
  if (readings && readingsOwnerUrl === undefined)
    throw new Error('secret: needs readingsOwnerUrl for STREAMSYNC_READINGS');
  await step('bucket', checkStorage());
  await step('topics', createTopics(topicsOf(readPipelines(pathsIn(pipelines)))));
  const ofCatalogue = await step(
    'catalogue',
    prepareCatalogue({ catalogueUrl, ownerUrl: catalogueOwnerUrl, auditRetentionDays }),
  );
  const ofReadings =
    readings && readingsOwnerUrl !== undefined
      ? await step('readings', prepareReadingsStore(readingsOwnerUrl, readings.url))
      : [];
  const administratorCreated = await step(
    'administrator',
    createFirstAdministrator(administrator.email, administrator.password),
  );
  return { migrations: [...ofCatalogue, ...ofReadings], administratorCreated };
}

async function step<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    // S3 answers a HEAD without a message.
    throw new Error(`${what}: ${errorCode(cause) ?? ''} ${errorMessage(cause)}`, { cause });
  }
}
