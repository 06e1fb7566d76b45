import { type ExportRecord, requireReady } from '../exports/documents.ts';
import { emitOutcome } from '../exports/outcomes.ts';
import { transaction } from '../runtime/catalogue.ts';
import { refusedFields } from '../runtime/errors.ts';

/** The client proves that it has all of the file. A repeat changes nothing. */
export async function acknowledge(record: ExportRecord, sha256: string): Promise<void> {
  const { file, id } = requireReady(record);
  if (sha256 !== file.sha256)
    throw refusedFields([{ field: 'sha256', message: 'is not the SHA-256 of the file' }]);
  await transaction(async (client) => {
    const { rowCount } = await client.query(
      'update exports set downloaded_at = now() where id = $1 and downloaded_at is null',
      [id],
    );
    if (rowCount === 1) await emitOutcome(client, id, 'downloaded');
  });
}
