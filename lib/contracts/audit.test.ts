import { expect, test } from '@jest/globals';
import { routes } from './routes.ts';

/** They are POST for their body, or so that no cache and no link starts them, and change nothing. */
const readOnly = ['startOidc', 'estimateExport', 'previewExport'];

test('every route that changes something has an audited action', () => {
  const unaudited = routes.filter(({ method, audit }) => method !== 'get' && audit === undefined);
  expect(unaudited.map(({ operationId }) => operationId)).toEqual(readOnly);
});
