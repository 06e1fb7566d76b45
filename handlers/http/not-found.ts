import { AppError } from '../../lib/runtime/errors.ts';
import { httpHandler, noAuth } from '../../lib/runtime/http-handler.ts';

/** Every path and method without a route. */
export const handler = httpHandler(noAuth, async () => {
  throw new AppError('not_found', 'No route has this path and method.');
});
