/** npm run reset: removes the state of a home. Tools installed for the clone (.parts, node_modules) stay. */
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { StackError } from '../local/errors.ts';
import { homeEntries, openHome } from '../local/home/home.ts';
import { acquireHomeLock } from '../local/home/lock.ts';
import { killOrphans } from '../local/orphan-processes.ts';

const home = openHome(process.env);
try {
  // Not released: the lock is deleted with the home's other entries.
  await acquireHomeLock(home, (text) => console.log(text));
  await killOrphans(home);
  for (const entry of homeEntries.filter((name) => existsSync(join(home.path, name)))) {
    rmSync(join(home.path, entry), { recursive: true });
  }
  const others = readdirSync(home.path);
  if (others.length === 0) rmdirSync(home.path);
  else console.log(`kept in ${home.path}, not StreamSync's: ${others.join(', ')}`);
  console.log(`The state in ${home.path} is removed; the next start creates it again.`);
} catch (error) {
  if (!(error instanceof StackError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
