import { auditRefusedDownload } from '../../lib/audit/refused-downloads.ts';
import { denyDownload } from '../../lib/delivery/auth-request-answer.ts';
import { authorizeDownload } from '../../lib/delivery/tickets.ts';
import { httpHandler, noAuth } from '../../lib/runtime/http-handler.ts';

/** GET /internal/authorize-download of the authorizer, called by NGINX for every request for a file. */
export const handler = httpHandler(noAuth, async ({ header }) => {
  try {
    const secret = header('x-ticket') ?? '';
    const method = header('x-original-method') ?? '';
    const grant = await auditRefusedDownload(header, () =>
      authorizeDownload(secret, method, header),
    );
    return {
      status: 204,
      exportId: grant.exportId,
      headers: {
        'x-object-key': grant.objectKey,
        'x-export-id': grant.exportId,
        'x-account-id': grant.accountId,
        'x-ticket-id': grant.ticketId,
        'x-file-disposition': grant.disposition,
        'x-file-type': grant.contentType,
        'x-file-digest': Buffer.from(grant.sha256, 'hex').toString('base64'),
        ...(grant.cookie === null ? {} : { 'x-download-cookie': grant.cookie }),
      },
    };
  } catch (error) {
    return denyDownload(error);
  }
});
