import { authenticate } from '../../lib/access/authenticate.ts';
import { type ExportList, exportListQuerySchema } from '../../lib/contracts/export-document.ts';
import { toDocument } from '../../lib/exports/export-document.ts';
import { countExports, listExports } from '../../lib/exports/list-exports.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** GET /exports */
export const handler = httpHandler(authenticate, async ({ account, query }) => {
  const parsed = query(exportListQuerySchema);
  const { records, nextCursor } = await listExports(catalogue(), account.id, parsed);
  const counts = parsed.counts && (await countExports(catalogue(), account.id, parsed));
  const body: ExportList = {
    items: records.map(toDocument),
    nextCursor,
    ...(counts && { counts }),
  };
  return { status: 200, body };
});
