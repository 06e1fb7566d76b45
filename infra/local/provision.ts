import { join } from 'node:path';
import { createTopics } from '../../lib/messaging/kafka.ts';
import type { TopicSettings } from '../../lib/messaging/topics.ts';
import { config } from '../../lib/runtime/config.ts';
import { createBucket } from '../../lib/storage/s3.ts';
import { createDatabases, prepareReadingsStore } from '../postgres/databases.ts';
import { loadDemo } from '../postgres/demo/index.ts';
import { createDemoAccounts } from '../postgres/demo-accounts.ts';
import { prepareCatalogue } from '../prepare/catalogue.ts';

interface Context {
  home: string;
  repo: string;
  /** Returns the URL of the local server's superuser for a database. */
  superuserUrl: (database: string) => string;
  /** The environment of the functions; lib reads it in this process, too. */
  environment: Record<string, string>;
  /** Names of the sources that are not on the local server. */
  ownSources: readonly string[];
  pipelineTopics: readonly TopicSettings[];
  report: (line: string) => void;
}

/** Connections of a reader beyond its budget: one that terminates backends, and three that are closing. */
const reservedConnections = 4;

/**
 * Creates what is missing in the services that have just started: databases, migrations, demo data, accounts, topics,
 * bucket.
 */
export async function provision(context: Context): Promise<{
  sources: Record<string, string>;
}> {
  const { home, superuserUrl, environment, ownSources, pipelineTopics, report } = context;
  Object.assign(process.env, environment);
  const { catalogueUrl, sources, readings, auditRetentionDays } = config();
  const local = [...sources].filter(([source]) => !ownSources.includes(source));
  const readers = local.map(([source, { url, ...budget }]) => ({
    source,
    url,
    connections: budget.maxConnections + budget.maxQuestionConnections + reservedConnections,
  }));
  await createDatabases({ superuserUrl, catalogueUrl, readers, writer: readings });
  const sourceAdmins = { sales: superuserUrl('sales'), iot: superuserUrl('iot') };
  await Promise.all([
    createTopics(pipelineTopics),
    createBucket(),
    (async () => {
      const migrated = await prepareCatalogue({
        catalogueUrl,
        ownerUrl: superuserUrl(new URL(catalogueUrl).pathname.slice(1)),
        auditRetentionDays,
      });
      for (const name of migrated) report(`migration ${name}`);
      await createDemoAccounts(join(home, 'credentials.json'), {
        sources: local.map(([source]) => source),
        ownSources,
      });
    })(),
  ]);
  // After the others: generating the rows keeps this process busy, and their connections would time out.
  await loadDemo(sourceAdmins, report);
  if (readings) {
    const migrated = await prepareReadingsStore(superuserUrl(readings.source), readings.url);
    for (const name of migrated) report(`migration ${name}`);
  }
  return { sources: sourceAdmins };
}
