import { findRunningStack, useStack } from '../../infra/local/found-stack.ts';
import { openHome } from '../../infra/local/home.ts';
import { exportRequestSchema } from '../../lib/contracts/export-request.ts';
import { readUnit } from '../../lib/engine/read.ts';
import { home } from '../stack/stack.ts';
import { dataset } from './table.ts';

/**
 * In a process of its own: the engine without the storage. Reads the table, as a worker does, into a sink
 * that only counts, and prints how long that took.
 */
const opened = openHome({ STREAMSYNC_HOME: home() });
const running = findRunningStack(opened);
if (!running) throw new Error('the stack does not run');
useStack(opened, running);
const controller = new AbortController();
const began = performance.now();
let bytes = 0;
const { rows } = await readUnit({
  claim: {
    kind: 'whole',
    unitId: 'bench',
    exportId: 'bench',
    attemptId: 'bench',
    ownerEmail: 'bench@streamsync.example',
    limits: { maxRows: null, maxBytes: null },
    elsewhere: { rows: 0, bytes: 0 },
    source: 'sales',
    request: exportRequestSchema.parse({ sources: ['sales'], dataset, format: 'csv' }),
    objectKey: 'bench',
    connections: 2,
    completing: null,
  },
  sink: {
    write: async (piece) => {
      bytes += piece.length;
    },
  },
  progress: { rows: 0, bytes: 0 },
  requireRoom: () => undefined,
  signal: controller.signal,
  statementTimeoutSeconds: 600,
});
console.log(JSON.stringify({ rows, bytes, seconds: (performance.now() - began) / 1_000 }));
process.exit();
