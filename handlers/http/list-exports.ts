import { authenticate } from '../../lib/access/authenticate.ts';
import { exportListQuerySchema } from '../../lib/contracts/export-document.ts';
import { listExports } from '../../lib/exports/documents.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { http } from '../../lib/runtime/http.ts';

/** GET /exports */
export const handler = http(authenticate, async ({ account, query }) => ({
  status: 200,
  body: await listExports(catalogue(), account.id, query(exportListQuerySchema)),
}));
