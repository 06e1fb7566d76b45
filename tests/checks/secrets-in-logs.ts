import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { redactSecrets } from '../../infra/local/redact.ts';

/** Files of a home with secrets. Values shorter than a secret are names, addresses and ids of keys. */
const secretFiles = ['secrets.json', 'credentials.json', 'signing-keys.json'];
const minSecretCharacters = 20;
/** Fields of these files that may be known. */
const publicFields = new Set(['email', 'kid', 'x', 'crv', 'kty']);

/**
 * Returns the lines of the logs of a stack that hold a secret: one of its own, or a text with the form of one. Each is
 * given as file, number of the line and what was found, without the secret itself.
 */
export async function secretsInLogs(home: string): Promise<string[]> {
  const known = (
    await Promise.all(
      secretFiles.map(async (name) => {
        const content: unknown = JSON.parse(await readFile(join(home, name), 'utf8'));
        return textsIn(content).filter((text) => text.length >= minSecretCharacters);
      }),
    )
  ).flat();
  if (known.length === 0) throw new Error(`${home} has no secrets to look for`);
  const found: string[] = [];
  for (const path of await logsOf(home)) {
    const lines = (await readFile(path, 'utf8')).split('\n');
    for (const [index, line] of lines.entries()) {
      const what = known.some((secret) => line.includes(secret))
        ? 'a secret of the stack'
        : redactSecrets(line) !== line && 'a text with the form of a secret';
      if (what) found.push(`${path}:${index + 1}: ${what}`);
    }
  }
  return found;
}

/** Returns all texts in a JSON value, except in fields that may be known. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, field]) =>
    publicFields.has(name) ? [] : textsIn(field),
  );
}

/** Returns the paths of the logs of the services, and of those that NGINX writes. */
async function logsOf(home: string): Promise<string[]> {
  const inFolder = async (folder: string, pattern: RegExp): Promise<string[]> =>
    (await readdir(join(home, folder)))
      .filter((name) => pattern.test(name))
      .map((name) => join(home, folder, name));
  return [
    ...(await inFolder('logs', /\.log(\.\d+)?$/)),
    ...(await inFolder('nginx', /\.log(\.\d+)?$/)),
  ];
}
