/**
 * Writes each event to the file EVENTS, one line each. Records whose value begins with "bad" fail: the function throws,
 * or reports them if MODE is "report". "bad once" fails at its first invocation only.
 */
import { appendFileSync } from 'node:fs';

const { EVENTS = '', MODE } = process.env;
const failedOnce = new Set();

function isBad({ partition, offset, text }) {
  if (text === null || !text.startsWith('bad')) return false;
  const isKnown = failedOnce.has(`${partition}@${offset}`);
  failedOnce.add(`${partition}@${offset}`);
  return !text.startsWith('bad once') || !isKnown;
}

export async function handler(event, { awsRequestId: requestId }) {
  const { records, ...source } = event;
  const seen = Object.values(records)
    .flat()
    .map(({ partition, offset, value }) => ({
      partition,
      offset,
      text: value === undefined ? null : Buffer.from(value, 'base64').toString(),
    }));
  appendFileSync(EVENTS, `${JSON.stringify({ ...source, requestId, records: seen })}\n`);
  const bad = seen.filter(isBad);
  if (MODE === 'report')
    return {
      batchItemFailures: bad.map(({ partition, offset }) => ({
        itemIdentifier: {
          partition: Object.keys(records).find((name) => name.endsWith(`-${partition}`)),
          offset,
        },
      })),
    };
  if (bad.length > 0) throw new Error('bad record');
  return null;
}
