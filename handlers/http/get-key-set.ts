import { config } from '../../lib/runtime/config.ts';
import { httpHandler, noAuth } from '../../lib/runtime/http-handler.ts';

/** GET /.well-known/jwks.json */
export const handler = httpHandler(noAuth, async () => ({
  status: 200,
  // 300 s is also how long a new key must be published before it signs (docs/operations.md).
  headers: { 'cache-control': 'public, max-age=300' },
  body: config().signingKeys.published,
}));
