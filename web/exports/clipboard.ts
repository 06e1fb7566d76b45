import type { ExportRequested } from '../../lib/contracts/events.ts';
import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { randomKey } from '../ui/idempotency-key.ts';

const requestedType: ExportRequested['type'] = 'streamsync.export.requested.v1';

/** Returns a curl call for the same export. Its key comes from the environment, never from the page. */
export function asCurl({ request }: ExportDocument): string {
  const body = JSON.stringify(request).replaceAll("'", String.raw`'\''`);
  return [
    `curl -X POST '${location.origin}/api/v1/exports'`,
    `-H "X-Api-Key: $STREAMSYNC_API_KEY"`,
    `-H 'Content-Type: application/json'`,
    `-d '${body}'`,
  ].join(' \\\n  ');
}

/** Returns a CloudEvent for the same export, in one line, as console producers read it. */
export function asKafkaEvent({ request, owner }: ExportDocument): string {
  const event: ExportRequested = {
    specversion: '1.0',
    type: requestedType,
    source: `${location.origin}/exports`,
    id: randomKey(),
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    data: { ...request, requestedBy: owner },
  };
  return JSON.stringify(event);
}
