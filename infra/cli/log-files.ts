import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { z } from 'zod';
import type { Home } from '../local/home/home.ts';

/** Returns the paths of all logs of a home, older files first: lines with the same timestamp keep their order. */
export function logFiles({ logs, nginx }: Home): string[] {
  const names = existsSync(logs) ? readdirSync(logs) : [];
  const rotated = existsSync(nginx)
    ? readdirSync(nginx).filter((name) => name.startsWith('requests.log.'))
    : [];
  return [
    ...names.filter((name) => name.endsWith('.log.1')).map((name) => join(logs, name)),
    ...names.filter((name) => name.endsWith('.log')).map((name) => join(logs, name)),
    ...rotated.toSorted().map((name) => join(nginx, name)),
    join(nginx, 'requests.log'),
  ].filter((path) => existsSync(path));
}

/** Yields the JSON lines of a file that `matches` accepts. Services write plain text between them. */
export async function* jsonLinesOf<S extends z.ZodType>(
  file: string,
  schema: S,
  matches: (text: string) => boolean,
): AsyncGenerator<z.output<S>> {
  const lines = createInterface({
    input: createReadStream(file),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  for await (const text of lines) {
    if (!text.startsWith('{') || !matches(text)) continue;
    try {
      yield schema.parse(JSON.parse(text));
    } catch {
      // The line is incomplete: it is being written, or its writer was killed.
    }
  }
}
