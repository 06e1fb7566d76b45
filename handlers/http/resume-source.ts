import { administrator } from '../../lib/access/authenticate.ts';
import { relay } from '../../lib/messaging/outbox.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';
import { dispatch } from '../../lib/scheduling/dispatch.ts';
import { resumeSource } from '../../lib/scheduling/pauses.ts';

/** DELETE /sources/{name}/pause */
export const handler = httpHandler(administrator('pause or resume a source'), async ({ param }) => {
  await resumeSource(param('name'));
  await dispatch();
  void relay();
  return { status: 204 };
});
