import { z } from 'zod';
import { openHome } from '../../infra/local/home/home.ts';
import { applyStackEnvironment, findRunningStack } from '../../infra/local/home/running-stack.ts';
import { exportRequestSchema } from '../../lib/contracts/export-request.ts';
import { readUnit } from '../../lib/engine/read/read-unit.ts';
import { home } from '../support/stack.ts';
import { wholeSources } from '../support/whole-sources.ts';
import { dataset } from './table.ts';

/**
 * Runs in a process of its own: the engine without the storage. Reads the table as a worker does, into a sink that
 * only counts bytes, and prints the seconds, those of its CPU too. The argument is the request in JSON.
 */
const opened = openHome({ STREAMSYNC_HOME: home() });
const running = findRunningStack(opened);
if (!running) throw new Error('the stack is not running');
applyStackEnvironment(opened, running);
const controller = new AbortController();
const startedAt = performance.now();
const cpuBefore = process.cpuUsage();
let bytes = 0;
const { rows } = await readUnit({
  claim: {
    kind: 'whole',
    unitId: 'bench',
    exportId: 'bench',
    attemptId: 'bench',
    ownerEmail: 'bench@streamsync.example',
    grants: wholeSources('sales'),
    limits: { maxRows: null, maxBytes: null },
    otherUnits: { rows: 0, bytes: 0 },
    source: 'sales',
    request: exportRequestSchema.parse({
      sources: ['sales'],
      dataset,
      ...z.record(z.string(), z.string()).parse(JSON.parse(process.argv[2] ?? '')),
    }),
    objectKey: 'bench',
    connections: 2,
    completing: null,
  },
  sink: {
    write: async (chunk) => {
      bytes += chunk.length;
    },
    end: () => {},
  },
  progress: { rows: 0, bytes: 0 },
  checkLimits: () => undefined,
  signal: controller.signal,
  statementTimeoutSeconds: 600,
});
const seconds = (performance.now() - startedAt) / 1_000;
const { user, system } = process.cpuUsage(cpuBefore);
const megabytes = process.resourceUsage().maxRSS / 1_024;
console.log(JSON.stringify({ rows, bytes, seconds, cpuSeconds: (user + system) / 1e6, megabytes }));
process.exit();
