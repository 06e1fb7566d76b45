import { expect, test } from '@jest/globals';
import { queuedExample } from '../../lib/contracts/examples.ts';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { statusPhrases } from './status-text.ts';

const queued = exportDocumentSchema.parse(queuedExample);
const waiting = (overdueAt: number) =>
  statusPhrases(
    {
      document: {
        ...queued,
        progress: { ...queued.progress, queuePosition: 0, etaSeconds: 4, waiting: null },
      },
      etag: null,
      retryAfter: null,
      unchanged: 0,
      rate: null,
      seenAt: 0,
      overdueAt,
      downloadStartedAt: null,
      arrived: false,
      cancelling: false,
      gone: false,
    },
    'UTC',
  );

test('a waiting export says when it is ready, until twice that time is over', () => {
  expect(waiting(Date.now() + 60_000)).toEqual(['next in line', 'ready in about 4 s']);
  expect(waiting(Date.now() - 1)).toEqual(['next in line', 'longer than usual']);
});
