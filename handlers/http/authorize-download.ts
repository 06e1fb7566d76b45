import { authorizeDownload } from '../../lib/delivery/tickets.ts';
import { Refusal } from '../../lib/runtime/errors.ts';
import { anonymous, http } from '../../lib/runtime/http.ts';

/**
 * GET /internal/authorize-download, asked by NGINX for every request of a file. auth_request knows only
 * yes, 401 and 403: what the refusal really is goes into headers. Anything else makes NGINX answer 5xx.
 */
export const handler = http(anonymous, async ({ header }) => {
  try {
    const secret = header('x-ticket') ?? '';
    const it = await authorizeDownload(secret, header('x-original-method') ?? '', header);
    return {
      status: 204,
      exportId: it.exportId,
      headers: {
        'x-origin-path': it.originPath,
        'x-object-key': it.objectKey,
        'x-export-id': it.exportId,
        'x-file-name': it.fileName,
        'x-file-type': it.contentType,
        'x-file-digest': Buffer.from(it.sha256, 'hex').toString('base64'),
        ...(it.cookie === null ? {} : { 'x-download-cookie': it.cookie }),
      },
    };
  } catch (error) {
    if (!(error instanceof Refusal) || error.status >= 500) throw error;
    return {
      status: 403,
      headers: { 'x-refused-status': String(error.status), 'x-refused-code': error.code },
    };
  }
});
