import { administrator } from '../../lib/access/authenticate.ts';
import { replayDeadLetter } from '../../lib/admin/dead-letters.ts';
import { relayWithTimeout } from '../../lib/messaging/outbox.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** The answer is 202 even if Kafka takes the record later. */
const relayMs = 300;

/** POST /admin/dead-letters/{topic}/{partition}/{offset}/replay */
export const handler = httpHandler(
  administrator('replay dead letters'),
  async ({ account, param }) => {
    await replayDeadLetter(account, {
      topic: param('topic'),
      partition: param('partition'),
      offset: param('offset'),
    });
    await relayWithTimeout(relayMs);
    return { status: 202 };
  },
);
