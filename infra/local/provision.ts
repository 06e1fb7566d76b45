import { join } from 'node:path';
import { createTopics } from '../../lib/messaging/kafka.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { config } from '../../lib/runtime/config.ts';
import { createSlots } from '../../lib/scheduling/slots.ts';
import { createBucket } from '../../lib/storage/s3.ts';
import { createDatabases } from '../postgres/databases.ts';
import { loadDemo } from '../postgres/demo/index.ts';
import { createDemoAccounts } from '../postgres/demo-accounts.ts';
import { migrate } from '../postgres/migrate.ts';

interface Context {
  home: string;
  repo: string;
  /** URL of the local server's superuser for a database. */
  superuserUrl: (database: string) => string;
  /** What the functions get; the code of the domain reads it here, too. */
  environment: Record<string, string>;
  /** Which of its sources are not on the local server. */
  ownSources: readonly string[];
  report: (line: string) => void;
}

/** Of a reader's connections: one that ends backends, and some that are ending themselves. */
const spareConnections = 4;

/**
 * Fills the parts that have just started: databases, migrations, demo data, accounts, topics, bucket.
 * Everything that is there already is left as it is.
 */
export async function prepare(context: Context): Promise<{
  sources: Record<string, string>;
}> {
  const { home, superuserUrl, environment, ownSources, report } = context;
  Object.assign(process.env, environment);
  const { catalogueUrl, sources } = config();
  const local = [...sources].filter(([source]) => !ownSources.includes(source));
  const readers = local.map(([source, { url, ...budget }]) => ({
    source,
    url,
    connections: budget.maxConnections + budget.maxQuestionConnections + spareConnections,
  }));
  await createDatabases({ superuserUrl, catalogueUrl, readers });
  const sourceAdmins = { sales: superuserUrl('sales'), iot: superuserUrl('iot') };
  await Promise.all([
    createTopics(),
    createBucket(),
    (async () => {
      const migrated = await migrate(catalogueUrl);
      for (const name of migrated) report(`migration ${name}`);
      await createSlots(catalogue());
      await createDemoAccounts(join(home, 'credentials.json'), {
        sources: local.map(([source]) => source),
        ownSources,
      });
    })(),
  ]);
  // Not beside the others: making the rows keeps this process busy, and their connections would time out.
  await loadDemo(sourceAdmins, report);
  return { sources: sourceAdmins };
}
