import { request as httpRequest, type IncomingMessage } from 'node:http';
import { asDemo } from './api.ts';
import { sql, stack } from './stack.ts';
import { waitFor } from './wait-for.ts';

export interface RecordedDelivery {
  request_id: string;
  status: number;
  first_byte: number;
  bytes: number;
  complete: boolean;
  address: string;
}

/** Returns what was recorded of the responses that sent bytes of an export's file, in the order of their ends. */
export const deliveriesOf = (exportId: string): Promise<RecordedDelivery[]> =>
  sql<RecordedDelivery>(
    stack.postgres.catalogue,
    `select request_id, status, first_byte::int, bytes::int, complete, address from file_deliveries
     where export_id = $1 order by at, recorded_at`,
    [exportId],
  );

/** Waits until `count` deliveries of an export's file are recorded, and returns them. */
export const recordedDeliveries = (exportId: string, count: number): Promise<RecordedDelivery[]> =>
  waitFor(`${count} deliveries of ${exportId} are recorded`, async () => {
    const rows = await deliveriesOf(exportId);
    return rows.length >= count ? rows : undefined;
  });

/** Returns the ids of the `downloaded` events of an export. */
export const downloadedEvents = (exportId: string): Promise<{ event_id: string }[]> =>
  sql(
    stack.postgres.catalogue,
    `select event_id from outbox where topic = 'exports.results'
       and convert_from(value, 'UTF8')::json->>'type' = 'streamsync.export.downloaded.v1'
       and convert_from(value, 'UTF8')::json->'data'->>'id' = $1`,
    [exportId],
  );

/** Requests a file and disconnects when `bytes` of it have arrived. Returns these bytes. */
export async function cutDownload(url: string, bytes: number): Promise<Buffer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest(url, { headers: asDemo, timeout: 60_000 }, resolve);
    request.once('error', reject).end();
  });
  const chunks: Buffer[] = [];
  let received = 0;
  for await (const chunk of response) {
    chunks.push(chunk);
    received += chunk.length;
    if (received >= bytes) break; // ends the loop, which destroys the connection
  }
  return Buffer.concat(chunks).subarray(0, bytes);
}
