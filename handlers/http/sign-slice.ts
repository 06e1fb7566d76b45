import { auditRefusedDownload } from '../../lib/audit/refused-downloads.ts';
import { denyDownload } from '../../lib/delivery/auth-request-answer.ts';
import { signSlice } from '../../lib/delivery/tickets.ts';
import { httpHandler, noAuth } from '../../lib/runtime/http-handler.ts';

/** GET /internal/sign-slice of the authorizer, called by NGINX for every slice that its cache does not have. */
export const handler = httpHandler(noAuth, async ({ header }) => {
  try {
    const { exportId, signed } = await auditRefusedDownload(header, () =>
      signSlice(header('x-ticket') ?? ''),
    );
    const { path, headers } = signed;
    return {
      status: 204,
      exportId,
      headers: {
        'x-origin-path': path,
        'x-origin-host': headers.host,
        'x-origin-authorization': headers.authorization,
        'x-origin-date': headers['x-amz-date'],
        'x-origin-content-sha256': headers['x-amz-content-sha256'],
        'x-origin-security-token': headers['x-amz-security-token'] ?? '',
        'x-origin-if-match': headers['if-match'] ?? '',
      },
    };
  } catch (error) {
    return denyDownload(error);
  }
});
