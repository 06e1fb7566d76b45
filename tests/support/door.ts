import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { home } from './stack.ts';

/** Returns the address and port of a service to which NGINX of the stack sends requests. */
export async function upstreamAddress(
  name: 'authorizer' | 'functions' | 'live' | 'objects',
): Promise<string> {
  const files = await Promise.all(
    ['nginx.conf', 'origins.conf'].map((file) => readFile(join(home(), 'nginx', file), 'utf8')),
  );
  const [, address] =
    new RegExp(`upstream ${name} \\{ server ([\\d.:]+);`).exec(files.join('\n')) ?? [];
  if (address === undefined) throw new Error(`NGINX of the stack has no upstream ${name}`);
  return address;
}
