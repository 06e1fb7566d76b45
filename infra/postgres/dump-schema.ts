/** npm run schema: writes catalogue.sql from the migrations, using the database server of a running stack. */
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { openHome, repoRoot } from '../local/home/home.ts';
import { findRunningStack, startCommand } from '../local/home/running-stack.ts';
import { readSchema, withScratchCatalogue } from './scratch-database.ts';

const home = openHome(process.env);
const stack = findRunningStack(home);
if (stack === undefined) {
  console.error(
    `No stack runs in ${home.path}, but its database server is needed. Start it: ${startCommand(home)}`,
  );
  process.exitCode = 1;
} else {
  const file = join(repoRoot, 'infra/postgres/catalogue.sql');
  writeFileSync(file, await withScratchCatalogue(stack.postgres.catalogue, readSchema));
  console.log(`wrote ${relative(repoRoot, file)}`);
}
