import { catalogue } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { exportIdOf } from '../storage/object-keys.ts';

/** Returns those of the objects that may still be sent: to new requests, or to transfers in their grace. */
export async function keptObjects(objectKeys: readonly string[]): Promise<Set<string>> {
  const { rows } = await catalogue().query<{ object_key: string }>(
    `select object_key from exports
     where id = any($1) and object_key = any($2) and deleted_at is null
       and expires_at + make_interval(secs => $3) > now()`,
    [objectKeys.flatMap((key) => exportIdOf(key) ?? []), objectKeys, config().transferGraceSeconds],
  );
  return new Set(rows.map(({ object_key }) => object_key));
}
