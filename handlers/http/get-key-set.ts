import { config } from '../../lib/runtime/config.ts';
import { anonymous, http } from '../../lib/runtime/http.ts';

/** GET /.well-known/jwks.json */
export const handler = http(anonymous, async () => ({
  status: 200,
  // As long as a new key has to be published before it signs: docs/operations.md.
  headers: { 'cache-control': 'public, max-age=300' },
  body: config().signingKeys.published,
}));
