import pg from 'pg';
import { migrate } from './migrate.ts';

/**
 * Creates the databases and roles of the local server. On AWS the owner of the databases creates them.
 *
 * Each database has its own role, and no other role may connect to it: the password of one source gives access neither
 * to another source nor to the catalogue's locks, by which units are dispatched.
 */
interface Role {
  name: string;
  password: string;
}

/** Returns the role and password of a connection URL. */
function roleIn(url: string): Role {
  const { username, password } = new URL(url);
  return { name: decodeURIComponent(username), password: decodeURIComponent(password) };
}

/** The read-only role of a source; `source` is also the name of its database. */
interface Reader {
  source: string;
  url: string;
  /** Maximum of its open connections. */
  connections: number;
}

/** The role that writes readings into the database of a source. */
interface Writer {
  source: string;
  url: string;
}

interface Databases {
  superuserUrl: (database: string) => string;
  catalogueUrl: string;
  readers: readonly Reader[];
  writer: Writer | undefined;
}

/** The role of earlier versions for all sources. It may have manual grants, so it is kept, without the right to log in. */
const formerReader = 'streamsync_reader';

/** Creates what is missing, and updates passwords and rights. */
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
    if (databases.writer) await createWriter(client, databases.writer);
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

/** Its rights in the database are given after the migrations of the readings store: `prepareReadingsStore`. */
async function createWriter(client: pg.Client, { source, url }: Writer): Promise<void> {
  const role = roleIn(url);
  await createRole(client, role);
  await client.query(
    `grant connect on database ${pg.escapeIdentifier(source)} to ${pg.escapeIdentifier(role.name)}`,
  );
}

/**
 * Runs the missing migrations of the readings store and gives the writer its rights. Returns the names of the
 * migrations. Tables of the demo data are kept: call it after they were loaded.
 *
 * @param superuserUrl of the database of the source
 */
export async function prepareReadingsStore(
  superuserUrl: string,
  writerUrl: string,
): Promise<string[]> {
  const migrated = await migrate(superuserUrl, 'readings');
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    await client.query('select readings_grant_writer($1)', [roleIn(writerUrl).name]);
  } finally {
    await client.end();
  }
  return migrated;
}

/** Owns the audit entries. It cannot log in. */
const auditKeeper = 'streamsync_audit';

/**
 * Makes the audit entries append-only for the role of the functions, and sets their retention. Call it after the
 * migrations of the catalogue.
 *
 * @param ownerUrl of the database of the catalogue; the role is a superuser, or may create roles and administers that of
 *   the functions, as the master user of RDS that has created it
 */
export async function protectAudit(
  ownerUrl: string,
  catalogueUrl: string,
  retentionDays: number,
): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  const functionsRole = roleIn(catalogueUrl).name;
  const database = pg.escapeIdentifier(nameIn(ownerUrl));
  try {
    const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [
      auditKeeper,
    ]);
    if (rowCount === 0) await client.query(`create role ${auditKeeper} nologin`);
    await client.query('begin');
    await actFor(client, pg.escapeIdentifier(functionsRole), database);
    await client.query('select audit.protect($1, $2, $3)', [
      functionsRole,
      auditKeeper,
      retentionDays,
    ]);
    await client.query(`revoke create on database ${database} from ${auditKeeper}`);
    await client.query('commit');
  } finally {
    await client.end();
  }
}

/** A role that is no superuser can only give away what is its own, to a role that may create what it gets. */
async function actFor(client: pg.Client, functionsRole: string, database: string): Promise<void> {
  const { rowCount } = await client.query(
    'select from pg_roles where rolname = current_user and rolsuper',
  );
  if (rowCount !== 0) return;
  await client.query(`grant ${functionsRole}, ${auditKeeper} to current_user`);
  await client.query(`grant create on database ${database} to ${auditKeeper}`);
  await client.query(`grant create on schema audit to ${auditKeeper}`);
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
