/** `npm run compose:secrets`: writes the secrets of docker-compose.yml to `.containers/secrets`. */
import { join } from 'node:path';
import { StackError } from '../local/errors.ts';
import { openHome } from '../local/home/home.ts';
import { writeSecrets } from './secrets.ts';

try {
  const home = openHome({ STREAMSYNC_HOME: '.containers' });
  const directory = join(home.path, 'secrets');
  const names = await writeSecrets(home, directory);
  console.log(`${names.length} secrets in ${directory}; accounts of the demo in credentials.json`);
} catch (error) {
  if (!(error instanceof StackError)) throw error;
  console.error([error.message, ...error.details].join('\n'));
  process.exitCode = 1;
}
