import { Refusal } from '../../lib/runtime/errors.ts';
import { anonymous, http } from '../../lib/runtime/http.ts';

/** Every path and method that no route takes. */
export const handler = http(anonymous, async () => {
  throw new Refusal('not_found', 'There is nothing at this path and method.');
});
