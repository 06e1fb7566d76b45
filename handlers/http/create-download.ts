import { authenticate } from '../../lib/access/authenticate.ts';
import { issueTicket } from '../../lib/delivery/tickets.ts';
import { findExport } from '../../lib/exports/documents.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { http } from '../../lib/runtime/http.ts';

/** POST /exports/{id}/download */
export const handler = http(authenticate, async ({ account, uuid }) => ({
  status: 200,
  body: await issueTicket(account, await findExport(catalogue(), account.id, uuid('id'))),
}));
