import { relay } from '../messaging/outbox.ts';
import type { HandlerResponse } from '../runtime/http-handler.ts';
import { dispatch } from '../scheduling/dispatch.ts';
import { toDocument } from './export-document.ts';
import type { CancelResult } from './lifecycle/cancel.ts';

/** Answers a call that cancels an export: 200 if it is cancelled, 202 if it runs and will be. */
export async function answerCancel({ was, record }: CancelResult): Promise<HandlerResponse> {
  if (was === 'running')
    return { status: 202, headers: { 'retry-after': '1' }, body: toDocument(record) };
  // The slot of the export is free for another one.
  await dispatch();
  void relay();
  return { status: 200, body: toDocument(record) };
}
