/** npm run reset: removes the state of a home. What was installed for the clone (.parts, node_modules) stays. */
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { StackError } from './errors.ts';
import { holdHome } from './holding.ts';
import { HOME_ENTRIES, openHome } from './home.ts';
import { endLeftovers } from './leftovers.ts';

const home = openHome(process.env);
try {
  // Not released: the lock goes with the rest.
  await holdHome(home, (text) => console.log(text));
  await endLeftovers(home);
  for (const entry of HOME_ENTRIES.filter((name) => existsSync(join(home.path, name)))) {
    rmSync(join(home.path, entry), { recursive: true });
  }
  const others = readdirSync(home.path);
  if (others.length === 0) rmdirSync(home.path);
  else console.log(`not StreamSync's, left there: ${others.join(', ')}`);
  console.log(`${home.path} is empty; the next start begins anew.`);
} catch (error) {
  if (!(error instanceof StackError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
