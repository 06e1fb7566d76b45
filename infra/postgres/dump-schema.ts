/** npm run schema: writes catalogue.sql from the migrations, with the database server of a stack that runs. */
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { findRunningStack, startCommand } from '../local/found-stack.ts';
import { openHome, REPO } from '../local/home.ts';
import { readSchema, withFreshCatalogue } from './fresh.ts';

const home = openHome(process.env);
const stack = findRunningStack(home);
if (stack === undefined) {
  console.error(
    `No stack runs in ${home.path}: its database server is needed. Start it: ${startCommand(home)}`,
  );
  process.exitCode = 1;
} else {
  const file = join(REPO, 'infra/postgres/catalogue.sql');
  writeFileSync(file, await withFreshCatalogue(stack.postgres.catalogue, readSchema));
  console.log(`wrote ${relative(REPO, file)}`);
}
