import type pg from 'pg';
import { encodeCursor, type Position, type TopicPosition } from '../../live/cursor.ts';
import { config } from '../../runtime/config.ts';
import { logger } from '../../runtime/logger.ts';
import type { SourceDataset } from '../../sources/datasets.ts';

/** What `ingest_progress` has of one partition in one epoch of a topic. */
export interface ProgressRow {
  topic: string;
  partition: number;
  epoch: number;
  /** A bigint, which the driver returns as text. */
  next_offset: string;
}

/**
 * Returns the position in the stream of readings up to which the snapshot of this transaction has them, as a cursor from
 * which `/live` continues. Undefined unless the dataset is the table that ingest writes. Ingest advances its progress in
 * the transaction of the rows, so a snapshot has both or neither.
 */
export async function readStreamCursor(
  client: pg.Client,
  source: string,
  { schema, relation }: SourceDataset,
): Promise<string | undefined> {
  if (source !== config().readings?.source) return undefined;
  if (schema !== 'public' || relation !== 'readings') return undefined;
  // An error would end the transaction of the export, which is complete without a cursor.
  const { rows: rights } = await client.query<{ may_read: boolean }>(
    `select coalesce(pg_catalog.has_table_privilege(
       pg_catalog.to_regclass('public.ingest_progress'), 'select'), false) as may_read`,
  );
  if (rights[0]?.may_read !== true) {
    logger.warn('export of readings without a cursor: its role cannot read ingest_progress', {
      source,
    });
    return undefined;
  }
  const { rows } = await client.query<ProgressRow>(
    'select p.topic, p.partition, p.epoch, p.next_offset from public.ingest_progress p',
  );
  return encodeCursor(positionOf(rows));
}

/** Returns the position in the latest epoch of each topic. Rows of earlier epochs are kept, but have no successors. */
export function positionOf(rows: readonly ProgressRow[]): Position {
  const byTopic = Map.groupBy(rows, ({ topic }) => topic);
  return new Map(
    [...byTopic].map(([topic, progress]): [string, TopicPosition] => {
      const epoch = Math.max(...progress.map((row) => row.epoch));
      const current = progress.filter((row) => row.epoch === epoch);
      return [
        topic,
        {
          epoch,
          nextOffsets: new Map(
            current.map(({ partition, next_offset }) => [partition, Number(next_offset)]),
          ),
        },
      ];
    }),
  );
}
