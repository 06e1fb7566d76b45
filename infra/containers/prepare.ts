/**
 * Prepares the services of docker-compose.yml, as `npm start` prepares its own, and exits with 0 when all is there:
 *
 *     node infra/containers/prepare.ts <directory of the secrets>
 *
 * It has the environment of the functions, the password of PostgreSQL's superuser and the accounts of the demo.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { topicsOf } from '../../lib/ingest/pipelines/load.ts';
import { config } from '../../lib/runtime/config.ts';
import { demoSources } from '../local/environment.ts';
import { readOwnPipelines } from '../local/own-pipelines.ts';
import { provision } from '../local/provision.ts';
import { superuserPasswordName } from './secrets.ts';

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('usage: prepare.ts <directory of the secrets>');

const { catalogueUrl, sources } = config();
const password = readFileSync(join(directory, superuserPasswordName), 'utf8').trim();
const superuserUrl = (database: string): string => {
  const url = new URL(catalogueUrl);
  url.username = 'postgres';
  url.password = password;
  url.pathname = `/${database}`;
  return url.href;
};
await provision({
  // It has credentials.json.
  home: directory,
  repo: process.cwd(),
  environment: {},
  superuserUrl,
  ownSources: [...sources.keys()].filter((name) => !isOfDemo(name)),
  pipelineTopics: topicsOf(readOwnPipelines(process.env.STREAMSYNC_PIPELINES)),
  report: (line) => console.log(line),
});
console.log('prepared');
process.exit(0);

function isOfDemo(name: string): boolean {
  return demoSources.some((source) => source === name);
}
