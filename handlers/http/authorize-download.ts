import { refusedDownload } from '../../lib/delivery/refused-download.ts';
import { authorizeDownload } from '../../lib/delivery/tickets.ts';
import { requireDoor } from '../../lib/runtime/door.ts';
import { http } from '../../lib/runtime/http.ts';

/** GET /internal/authorize-download, asked by NGINX for every request of a file. */
export const handler = http(requireDoor, async ({ header }) => {
  try {
    const secret = header('x-ticket') ?? '';
    const it = await authorizeDownload(secret, header('x-original-method') ?? '', header);
    return {
      status: 204,
      exportId: it.exportId,
      headers: {
        'x-object-key': it.objectKey,
        'x-export-id': it.exportId,
        'x-file-name': it.fileName,
        'x-file-type': it.contentType,
        'x-file-digest': Buffer.from(it.sha256, 'hex').toString('base64'),
        ...(it.cookie === null ? {} : { 'x-download-cookie': it.cookie }),
      },
    };
  } catch (error) {
    return refusedDownload(error);
  }
});
