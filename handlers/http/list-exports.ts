import { authenticate } from '../../lib/access/authenticate.ts';
import { type ExportList, exportListQuerySchema } from '../../lib/contracts/export-document.ts';
import { toDocument } from '../../lib/exports/export-document.ts';
import { listExports } from '../../lib/exports/list-exports.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** GET /exports */
export const handler = httpHandler(authenticate, async ({ account, query }) => {
  const { records, nextCursor } = await listExports(
    catalogue(),
    account.id,
    query(exportListQuerySchema),
  );
  const body: ExportList = { items: records.map(toDocument), nextCursor };
  return { status: 200, body };
});
