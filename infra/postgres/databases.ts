import pg from 'pg';

/** The local server's databases and roles. On AWS they are made by whoever owns the databases. */
interface Role {
  name: string;
  password: string;
}

/** Role and password in a connection URL. */
function roleIn(url: string): Role {
  const { username, password } = new URL(url);
  return { name: decodeURIComponent(username), password: decodeURIComponent(password) };
}

interface Databases {
  superuserUrl: (database: string) => string;
  catalogueUrl: string;
  /** Connection of the read-only role, by the name of the source, which is that of its database. */
  sourceUrls: Record<string, string>;
}

/** Creates what is missing, and sets passwords to what the URLs say. */
export async function createDatabases(databases: Databases): Promise<void> {
  const client = new pg.Client({ connectionString: databases.superuserUrl('postgres') });
  await client.connect();
  try {
    const catalogueRole = roleIn(databases.catalogueUrl);
    await createRole(client, catalogueRole, '');
    await createDatabase(client, nameIn(databases.catalogueUrl), catalogueRole.name);
    for (const [source, url] of Object.entries(databases.sourceUrls)) {
      await createRole(client, roleIn(url), 'set default_transaction_read_only = on');
      await createDatabase(client, source, 'postgres');
    }
  } finally {
    await client.end();
  }
}

const nameIn = (url: string): string => new URL(url).pathname.slice(1);

async function createRole(client: pg.Client, { name, password }: Role, setting: string) {
  const role = pg.escapeIdentifier(name);
  const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [name]);
  if (rowCount === 0) await client.query(`create role ${role} login`);
  await client.query(`alter role ${role} password ${pg.escapeLiteral(password)}`);
  if (setting !== '') await client.query(`alter role ${role} ${setting}`);
}

async function createDatabase(client: pg.Client, name: string, owner: string): Promise<void> {
  const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
  if (rowCount === 0)
    await client.query(
      `create database ${pg.escapeIdentifier(name)} owner ${pg.escapeIdentifier(owner)}`,
    );
}
