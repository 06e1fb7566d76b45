import type pg from 'pg';
import { closeReader, connectReader } from '../../sources/connection.ts';

/**
 * The connections of one reading attempt. The others connect while the first one begins the snapshot; not before it is
 * open, because a source may have a connection for one of them only.
 */
export class Connections {
  readonly first: Promise<pg.Client>;
  /** Some may be rejected. */
  readonly others: readonly Promise<pg.Client>[];

  /** @param count the maximum that the attempt may open, at least 1 */
  constructor(count: number, ...reader: Parameters<typeof connectReader>) {
    this.first = connectReader(...reader);
    this.others = Array.from({ length: count - 1 }, () =>
      this.first.then(() => connectReader(...reader)),
    );
    // The errors surface when the connections are needed.
    for (const connecting of [this.first, ...this.others]) connecting.catch(() => undefined);
  }

  /**
   * Closes all of them, those too that are still connecting.
   *
   * @param complete whether everything that was read is consumed
   */
  async close(complete: boolean): Promise<void> {
    await Promise.all(
      [this.first, ...this.others].map(async (connecting) => {
        const client = await connecting.catch(() => undefined);
        if (client) await closeReader(client, complete);
      }),
    );
  }
}
