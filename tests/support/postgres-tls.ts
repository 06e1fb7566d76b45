import { chown, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyAndCertificate } from './certificate.ts';
import { sql } from './stack.ts';
import { waitFor } from './wait-for.ts';

/** Gives a server its key and certificate, and turns TLS on. `directory` has its files. */
export async function turnTlsOn(
  superuserUrl: string,
  directory: string,
  { key, certificate }: KeyAndCertificate,
): Promise<void> {
  // The server reads a key only if its own user owns the file.
  const { uid, gid } = await stat(directory);
  for (const [name, text] of Object.entries({ 'server.key': key, 'server.crt': certificate })) {
    await writeFile(join(directory, name), text, { mode: 0o600 });
    await chown(join(directory, name), uid, gid);
  }
  await setTls(superuserUrl, 'on');
}

export async function setTls(superuserUrl: string, value: 'on' | 'off'): Promise<void> {
  await sql(superuserUrl, `alter system set ssl = ${value}`);
  await sql(superuserUrl, 'select pg_reload_conf()');
  await waitFor(`TLS is ${value}`, async () => {
    const [now] = await sql<{ ssl: string }>(superuserUrl, `select current_setting('ssl') as ssl`);
    return now?.ssl === value ? true : undefined;
  });
}
