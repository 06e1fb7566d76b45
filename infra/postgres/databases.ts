import pg from 'pg';

/**
 * The local server's databases and roles. On AWS they are made by whoever owns the databases.
 *
 * Every database is its own role's: nobody else may connect to it. Whoever has the password of one source can
 * neither read another, nor take the locks of the catalogue by which work is given out.
 */
interface Role {
  name: string;
  password: string;
}

/** Role and password in a connection URL. */
function roleIn(url: string): Role {
  const { username, password } = new URL(url);
  return { name: decodeURIComponent(username), password: decodeURIComponent(password) };
}

/** The read-only role of a source, which has the name of its database. */
interface Reader {
  source: string;
  url: string;
  /** How many it may have at a time. */
  connections: number;
}

interface Databases {
  superuserUrl: (database: string) => string;
  catalogueUrl: string;
  readers: readonly Reader[];
}

/** Of earlier versions, which had one role for all sources. It may have been given rights by hand: it stays, and cannot sign in. */
const formerReader = 'streamsync_reader';

/** Creates what is missing, and sets passwords and rights to what they are now. */
export async function createDatabases(databases: Databases): Promise<void> {
  const client = new pg.Client({ connectionString: databases.superuserUrl('postgres') });
  await client.connect();
  try {
    const catalogueRole = roleIn(databases.catalogueUrl);
    await createRole(client, catalogueRole);
    await createDatabase(client, nameIn(databases.catalogueUrl), catalogueRole.name);
    for (const { source, url, connections } of databases.readers) {
      const role = roleIn(url);
      await createRole(client, role, connections);
      await createDatabase(client, source, 'postgres');
      await client.query(
        `grant connect on database ${pg.escapeIdentifier(source)} to ${pg.escapeIdentifier(role.name)}`,
      );
    }
    await client.query('revoke connect on database postgres, template1 from public');
    await client.query(`
      do $$ begin
        if exists (select from pg_roles where rolname = '${formerReader}') then
          alter role ${formerReader} nologin password null;
        end if;
      end $$`);
  } finally {
    await client.end();
  }
}

const nameIn = (url: string): string => new URL(url).pathname.slice(1);

async function createRole(
  client: pg.Client,
  { name, password }: Role,
  connections?: number,
): Promise<void> {
  const role = pg.escapeIdentifier(name);
  const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [name]);
  if (rowCount === 0) await client.query(`create role ${role} login`);
  await client.query(
    `alter role ${role} nosuperuser nocreatedb nocreaterole noreplication nobypassrls
       password ${pg.escapeLiteral(password)} connection limit ${connections ?? -1}`,
  );
  if (connections !== undefined)
    await client.query(`alter role ${role} set default_transaction_read_only = on`);
}

async function createDatabase(client: pg.Client, name: string, owner: string): Promise<void> {
  const database = pg.escapeIdentifier(name);
  const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
  if (rowCount === 0)
    await client.query(`create database ${database} owner ${pg.escapeIdentifier(owner)}`);
  await client.query(`revoke connect, temporary on database ${database} from public`);
}
