import { catalogue } from '../runtime/catalogue.ts';

/** Numbers by which an operator sees whether live readings are sent. */
export interface ConnectionMeasures {
  /** Open connections, and those that the gateway has not reported as closed yet. */
  connections: number;
  /** Those that wait for their next message, because they were too slow for the last one. */
  slow: number;
  /** Age of the oldest batch that was not sent; null: all were. */
  unsentSeconds: number | null;
}

/** Throws if the catalogue does not answer. */
export async function measureConnections(): Promise<ConnectionMeasures> {
  const { rows } = await catalogue().query<ConnectionMeasures>(
    `select
       (select count(*) from live_connections) as connections,
       (select count(*) from live_connections where retry_at is not null) as slow,
       (select extract(epoch from now() - min(b.stored_at))::integer
        from live_positions p join live_batches b on b.topic = p.topic and b.partition = p.partition
        where (b.epoch, b.next_offset) > (p.sent_epoch, p.sent_offset)) as "unsentSeconds"`,
  );
  const [measures] = rows;
  if (!measures) throw new Error('the catalogue returned no row about connections');
  return measures;
}
