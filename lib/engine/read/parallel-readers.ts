import type pg from 'pg';
import { messageOf } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import type { SpareBuffers } from '../runtime/spare-buffers.ts';
import { CopyOut } from '../sources/copy-out.ts';
import { noteIfAlive } from '../sources/faults.ts';

/** Pieces that each reader reads ahead of its turn: 4 MB. */
const ahead = 16;

/**
 * Whoever waits for a lock waits for the first reader, too, if he wants one that no reader agrees with: it holds the
 * rows. Those who join would stand behind him in the queue, and the first waits for them: nobody would go on, and
 * PostgreSQL sees no deadlock. So they take what they get at once.
 */
const joinLockMilliseconds = 1;
/** And of what turns out only while they read (a policy's function reads another table). */
const laterLockMilliseconds = 1_000;

interface Joining {
  /** How many more readers are wanted. */
  others: number;
  /** The statement that locks what they read. */
  holding: string;
  connect: () => Promise<pg.Client>;
}

/**
 * Connections to one source which see the same moment of it and read side by side. The first one has begun
 * the transaction and taken the snapshot; the others join it.
 */
export class Readers {
  readonly #clients: [pg.Client, ...pg.Client[]];
  /** The statement that is being read out, of those in order. */
  #head = 0;
  #next = 0;
  #moved = Promise.withResolvers<void>();
  #stopped = false;
  /** On which connection a statement failed. */
  readonly #failed = new Map<unknown, pg.Client>();

  private constructor(clients: [pg.Client, ...pg.Client[]]) {
    this.#clients = clients;
  }

  static async join(first: pg.Client, { others, holding, connect }: Joining): Promise<Readers> {
    const readers = new Readers([first]);
    if (others === 0) return readers;
    const { rows } = await first.query<{ snapshot: string }>(
      'select pg_export_snapshot() as snapshot',
    );
    const snapshot = first.escapeLiteral(rows[0]?.snapshot ?? '');
    const begin = `begin isolation level repeatable read read only; set transaction snapshot ${snapshot};
      set local lock_timeout = ${joinLockMilliseconds}; ${holding}; set local lock_timeout = ${laterLockMilliseconds}`;
    try {
      for (let n = 0; n < others; n++) readers.#clients.push(await joined(connect, begin));
    } catch (error) {
      // The source may have no connection left, or somebody waits for its lock. Fewer readers read the same.
      logger.warn('fewer readers than planned', {
        readers: readers.#clients.length,
        reason: messageOf(error),
      });
    }
    return readers;
  }

  /**
   * The outputs of the statements in their order, while those behind are being read already, up to what each
   * reader may read ahead: `begun` is told of each as soon as its reader has turned to it. Each reader is at
   * most one statement ahead.
   */
  async *inOrder(
    statements: readonly string[],
    spare: SpareBuffers,
    begun: (copy: CopyOut) => void,
  ): AsyncGenerator<CopyOut> {
    const open = statements.map(() => Promise.withResolvers<CopyOut>());
    // A failure is told where its statement has its turn.
    for (const { promise } of open) promise.catch(() => undefined);
    const reading = this.#clients.map((client) =>
      this.#read(client, statements, spare, (n, copy) => {
        begun(copy);
        open[n]?.resolve(copy);
      }).catch((error: unknown) => {
        for (const { reject } of open) reject(error);
      }),
    );
    try {
      for (const { promise } of open) {
        yield await promise;
        this.#head++;
        this.#move();
      }
    } finally {
      this.#stopped = true;
      this.#move();
    }
    await Promise.all(reading);
  }

  async #read(
    client: pg.Client,
    statements: readonly string[],
    spare: SpareBuffers,
    opened: (n: number, copy: CopyOut) => void,
  ): Promise<void> {
    while (this.#next < statements.length) {
      const n = this.#next++;
      while (n > this.#head + this.#clients.length && !this.#stopped) await this.#moved.promise;
      if (this.#stopped) return;
      const copy = client.query(new CopyOut(statements[n] ?? '', { ahead, spare }));
      copy.told.catch((error: unknown) => this.#failed.set(error, client));
      opened(n, copy);
      await copy.told;
    }
  }

  #move(): void {
    this.#moved.resolve();
    this.#moved = Promise.withResolvers();
  }

  /** Finds out whether the connection goes on on which this happened: then it is the dataset's fault. */
  noteIfAlive(error: unknown): Promise<void> {
    const client = this.#failed.get(error) ?? this.#clients[0];
    return noteIfAlive(error, () => client.query('rollback'));
  }

  async commit(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.query('commit')));
  }

  /** All but the first, which is its owner's. */
  async close(): Promise<void> {
    const [, ...others] = this.#clients;
    await Promise.all(others.map((client) => client.end()));
  }
}

async function joined(connect: () => Promise<pg.Client>, begin: string): Promise<pg.Client> {
  const client = await connect();
  try {
    await client.query(begin);
    return client;
  } catch (error) {
    await client.end();
    throw error;
  }
}
