import { recordRequest } from '../audit/record-audit.ts';
import { requireReady } from '../exports/export-document.ts';
import type { ExportRecord } from '../exports/export-record.ts';
import { transaction } from '../runtime/catalogue.ts';
import { invalidFields } from '../runtime/errors.ts';
import { markDownloaded } from './mark-downloaded.ts';

/** Records that the client has the complete file, which it proves with the hash. A second call has no effect. */
export async function acknowledge(record: ExportRecord, sha256: string): Promise<void> {
  const { file, id } = requireReady(record);
  if (sha256 !== file.sha256)
    throw invalidFields([{ field: 'sha256', message: 'is not the SHA-256 of the file' }]);
  await transaction(async (client) => {
    if (await markDownloaded(client, id)) await recordRequest(client);
  });
}
