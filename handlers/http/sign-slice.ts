import { refusedDownload } from '../../lib/delivery/refused-download.ts';
import { signSlice } from '../../lib/delivery/tickets.ts';
import { requireDoor } from '../../lib/runtime/door.ts';
import { http } from '../../lib/runtime/http.ts';

/** GET /internal/sign-slice, asked by NGINX for every slice of a file that its cache does not have. */
export const handler = http(requireDoor, async ({ header }) => {
  try {
    const { path, headers } = await signSlice(header('x-ticket') ?? '');
    return {
      status: 204,
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
    return refusedDownload(error);
  }
});
