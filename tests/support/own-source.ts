import pg from 'pg';
import { openHome } from '../../infra/local/home/home.ts';
import { applyStackEnvironment, findRunningStack } from '../../infra/local/home/running-stack.ts';
import { ReusedBufferSocket } from '../../lib/sources/copy/reused-buffer-socket.ts';
import { newSession } from '../../lib/sources/session.ts';
import { home, sourceUrl, sql } from './stack.ts';

/** Databases that a suite creates on the server of the stack, and that the code of lib reads as its sources. */
export class OwnSources {
  readonly #databases: ReadonlyMap<string, string>;
  readonly #clients: pg.Client[] = [];

  private constructor(databases: ReadonlyMap<string, string>) {
    this.#databases = databases;
  }

  /**
   * Creates a database for each source; the value is the options of its CREATE DATABASE. The configuration of this
   * process then has only these sources.
   */
  static async create(optionsBySource: Readonly<Record<string, string>>): Promise<OwnSources> {
    const opened = openHome({ STREAMSYNC_HOME: home() });
    const running = findRunningStack(opened);
    if (!running) throw new Error('the stack is not running');
    applyStackEnvironment(opened, running);
    const databases = new Map(
      Object.keys(optionsBySource).map((source) => [source, `own_${source}_${Date.now()}`]),
    );
    const own = new OwnSources(databases);
    for (const [source, options] of Object.entries(optionsBySource))
      await sql(sourceUrl('sales'), `create database ${own.#database(source)} ${options}`);
    configureSources(
      Object.fromEntries([...databases.keys()].map((source) => [source, { url: own.url(source) }])),
    );
    return own;
  }

  #database(source: string): string {
    const database = this.#databases.get(source);
    if (database === undefined) throw new Error(`this suite has no source ${source}`);
    return database;
  }

  url(source: string): string {
    return new URL(`/${this.#database(source)}`, sourceUrl('sales')).href;
  }

  /** Opens a session as the product does, with its settings. */
  async session(source: string): Promise<pg.Client> {
    const limits = {
      name: 'own-source',
      connectMs: 5_000,
      statementMs: 30_000,
      lockMs: 5_000,
      idleInTransactionMs: 0,
      idleSessionMs: 0,
    };
    return this.#connect(newSession(source, limits, new ReusedBufferSocket()));
  }

  /** Opens a connection with the settings of the server, as psql does. */
  connect(source: string): Promise<pg.Client> {
    return this.#connect(new pg.Client({ connectionString: this.url(source) }));
  }

  async #connect(client: pg.Client): Promise<pg.Client> {
    await client.connect();
    this.#clients.push(client);
    return client;
  }

  async drop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.end()));
    for (const database of this.#databases.values())
      await sql(sourceUrl('sales'), `drop database if exists ${database} with (force)`);
  }
}

/** Makes these the only sources in the configuration of this process, which then has no readings. */
export function configureSources(
  sources: Readonly<Record<string, { url: string; maxConnections?: number }>>,
): void {
  process.env.STREAMSYNC_SOURCES = JSON.stringify(sources);
  delete process.env.STREAMSYNC_READINGS;
}
