import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { secretVariables } from '../../lib/runtime/secret-variables.ts';
import { applicationEnvironment, demoSources } from '../local/environment.ts';
import { type Home, openSecrets } from '../local/home/home.ts';
import { createSigningKeys } from '../local/home/signing-keys.ts';
import { readOwnSources } from '../local/own-sources.ts';
import { openCredentials } from '../postgres/demo-accounts.ts';

/** Files that are no variables. */
export const superuserPasswordName = 'postgres-password';
export const credentialsName = 'credentials.json';

/** In the network of docker-compose.yml. */
export const addresses = {
  url: 'http://localhost:8080',
  postgres: 'postgres:5432',
  kafka: 'kafka:9092',
  s3Endpoint: 'http://localstack:4566',
};

/**
 * Writes the secrets of docker-compose.yml to a directory, each to a file, and returns their names. What the home has is
 * kept, since databases keep their passwords. Own databases in `STREAMSYNC_SOURCES`, and `STREAMSYNC_OIDC`, are those of
 * the environment, as of `npm start`.
 */
export async function writeSecrets(home: Home, directory: string): Promise<string[]> {
  const secrets = openSecrets(home);
  await createSigningKeys(home);
  const ownSources = readOwnSources(process.env.STREAMSYNC_SOURCES, demoSources);
  const variables = applicationEnvironment(home, secrets, addresses, ownSources);
  const credentials = await openCredentials(join(home.path, credentialsName));
  const files: Record<string, string> = {
    ...Object.fromEntries(secretVariables.map((name) => [name, variables[name] ?? ''])),
    [superuserPasswordName]: secrets.postgres,
    [credentialsName]: JSON.stringify(credentials),
  };
  // The user in a container may not be the owner of the files: they are readable, in a directory that is not.
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(directory, name), text);
    chmodSync(join(directory, name), 0o644);
  }
  return Object.keys(files);
}
