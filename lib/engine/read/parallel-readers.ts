import type pg from 'pg';
import type { KernelPlan } from '../../kernels/row-kernel.ts';
import type { BufferPool } from '../../runtime/buffer-pool.ts';
import { errorMessage } from '../../runtime/errors.ts';
import { logger } from '../../runtime/logger.ts';
import { memoryLimits } from '../../runtime/memory-budget.ts';
import { CopyToStream } from '../../sources/copy/copy-stream.ts';
import { noteIfAlive } from '../../sources/source-errors.ts';

/** Chunks that each reader buffers before its turn: 4 MB. */
const readAheadChunks = memoryLimits.readAhead;

/**
 * `lock_timeout` of a reader that joins. Another session may wait for an exclusive lock that the first reader's lock
 * blocks. A joining reader would queue after that session, and the first reader waits for it: a deadlock that
 * PostgreSQL does not see. So a reader joins only if it gets its lock at once.
 */
const joinLockMs = 1;
/** `lock_timeout` while reading: a policy's function may read another table. */
const laterLockMs = 1_000;

/** How the output of statements is read. */
interface ReadOptions {
  pool: BufferPool;
  /** Encodes the rows; without one they come as the server sends them. */
  kernel?: KernelPlan | undefined;
  /** Called when a statement starts. */
  onStart: (copy: CopyToStream) => void;
}

interface JoinOptions {
  /** The connections of the readers in addition to the first. */
  others: readonly Promise<pg.Client>[];
  /** The statement that locks the relation. */
  holding: string;
}

/**
 * Connections to one source that read the same snapshot in parallel. The first one has begun the transaction; the
 * others import its snapshot.
 */
export class ParallelReaders {
  readonly #clients: [pg.Client, ...pg.Client[]];
  /** Index of the statement whose rows are consumed. */
  #current = 0;
  #nextToStart = 0;
  #advanced = Promise.withResolvers<void>();
  #stopped = false;
  /** The connection on which each error occurred. */
  readonly #failed = new Map<unknown, pg.Client>();

  private constructor(clients: [pg.Client, ...pg.Client[]]) {
    this.#clients = clients;
  }

  /** The caller closes the connections. */
  static async join(first: pg.Client, { others, holding }: JoinOptions): Promise<ParallelReaders> {
    const readers = new ParallelReaders([first]);
    if (others.length === 0) return readers;
    const { rows } = await first.query<{ snapshot: string }>(
      'select pg_export_snapshot() as snapshot',
    );
    const snapshot = first.escapeLiteral(rows[0]?.snapshot ?? '');
    const begin = `begin isolation level repeatable read read only; set transaction snapshot ${snapshot};
      set local lock_timeout = ${joinLockMs}; ${holding}; set local lock_timeout = ${laterLockMs}`;
    try {
      for (const connecting of others) {
        const client = await connecting;
        await client.query(begin);
        readers.#clients.push(client);
      }
    } catch (error) {
      // The source may have no free connection, or another session may wait for a lock. Fewer readers read the same rows.
      logger.warn('connected fewer readers than planned', {
        readers: readers.#clients.length,
        reason: errorMessage(error),
      });
    }
    return readers;
  }

  /**
   * Yields the output of each statement in order, while the readers buffer the next ones. Each reader is at most one
   * statement ahead.
   */
  async *streamInOrder(
    statements: readonly string[],
    options: ReadOptions,
  ): AsyncGenerator<CopyToStream> {
    const copies = statements.map(() => Promise.withResolvers<CopyToStream>());
    // Errors surface when the statement is consumed, in order.
    for (const { promise } of copies) promise.catch(() => undefined);
    const reading = this.#clients.map((client) =>
      this.#read(client, statements, options, (n, copy) => copies[n]?.resolve(copy)).catch(
        (error: unknown) => {
          for (const { reject } of copies) reject(error);
        },
      ),
    );
    try {
      for (const { promise } of copies) {
        yield await promise;
        this.#current++;
        this.#advance();
      }
    } finally {
      this.#stopped = true;
      this.#advance();
    }
    await Promise.all(reading);
  }

  async #read(
    client: pg.Client,
    statements: readonly string[],
    { onStart, ...options }: ReadOptions,
    onStatement: (n: number, copy: CopyToStream) => void,
  ): Promise<void> {
    while (this.#nextToStart < statements.length) {
      const n = this.#nextToStart++;
      while (n > this.#current + this.#clients.length && !this.#stopped)
        await this.#advanced.promise;
      if (this.#stopped) return;
      const copy = new CopyToStream(statements[n] ?? '', { readAheadChunks, ...options });
      client.query(copy);
      copy.serverRowCount.catch((error: unknown) => this.#failed.set(error, client));
      onStart(copy);
      onStatement(n, copy);
      await copy.serverRowCount;
    }
  }

  #advance(): void {
    this.#advanced.resolve();
    this.#advanced = Promise.withResolvers();
  }

  /** Marks an error as caused by the dataset if the connection on which it occurred is still alive. */
  noteIfAlive(error: unknown): Promise<void> {
    const client = this.#failed.get(error) ?? this.#clients[0];
    return noteIfAlive(error, () => client.query('rollback'));
  }

  async commit(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.query('commit')));
  }
}
