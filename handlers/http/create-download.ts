import { authenticate } from '../../lib/access/authenticate.ts';
import { issueTicket } from '../../lib/delivery/tickets.ts';
import { findExport } from '../../lib/exports/export-record.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** POST /exports/{id}/download */
export const handler = httpHandler(authenticate, async ({ account, uuid }) => ({
  status: 200,
  body: await issueTicket(account, await findExport(catalogue(), account.id, uuid('id'))),
}));
