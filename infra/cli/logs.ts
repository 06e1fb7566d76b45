/** npm run logs -- <export id>: prints the timeline of one export, from the catalogue and all logs of a home. */
import { z } from 'zod';
import { errorMessage } from '../../lib/runtime/errors.ts';
import { logger } from '../../lib/runtime/logger.ts';
import { withTimeout } from '../../lib/runtime/timeout.ts';
import { type Home, openHome } from '../local/home/home.ts';
import {
  applyStackEnvironment,
  findRunningStack,
  startCommand,
} from '../local/home/running-stack.ts';
import { redactSecrets } from '../local/redact.ts';
import { formatEntry, sortByTime } from './timeline/entry.ts';
import { type CatalogueTimeline, readCatalogueTimeline } from './timeline/from-catalogue.ts';
import { readLogs } from './timeline/from-logs.ts';

const timeoutSeconds = 15;

/** Returns the timeline of the catalogue, undefined if it has no such export, or why it could not be read. */
async function loadCatalogue(
  home: Home,
  id: string,
): Promise<CatalogueTimeline | undefined | { unreachable: string }> {
  try {
    const stack = findRunningStack(home);
    if (stack === undefined) return { unreachable: `no stack is running in ${home.path}` };
    applyStackEnvironment(home, stack);
    const message = `no answer within ${timeoutSeconds} s`;
    return await withTimeout(readCatalogueTimeline(id), timeoutSeconds * 1000, message);
  } catch (error) {
    return { unreachable: errorMessage(error) };
  }
}

/** Returns the exit code. */
async function printTimeline(home: Home, id: string): Promise<number> {
  const timeline = await loadCatalogue(home, id);
  const isUnreachable = timeline !== undefined && 'unreachable' in timeline;
  if (isUnreachable) {
    console.error(redactSecrets(`The catalogue is not reachable: ${timeline.unreachable}.`));
    console.error(`Only entries from the logs are printed. For the rest: ${startCommand(home)}`);
  }
  const known = timeline === undefined || isUnreachable ? undefined : timeline;
  const logged = await readLogs(home, {
    ids: known?.ids ?? [id],
    requestEventId: known?.requestEventId ?? null,
    fileName: known?.fileName ?? null,
  });
  for (const entry of sortByTime([...(known?.entries ?? []), ...logged]))
    console.log(formatEntry(entry));
  if (known !== undefined) return 0;
  if (isUnreachable && logged.length > 0) return 0;
  console.error(
    isUnreachable
      ? `The logs in ${home.path} have no entries about export ${id}.`
      : `The catalogue of ${home.path} has no export ${id}.`,
  );
  return 1;
}

// What lib logs during the queries does not belong to the timeline.
logger.setLogLevel('SILENT');
const parsedArguments = z.tuple([z.uuid().toLowerCase()]).safeParse(process.argv.slice(2));
if (parsedArguments.success) {
  // A reader that closes the pipe (| head) ends the command.
  process.stdout.on('error', () => process.exit(0));
  process.exit(await printTimeline(openHome(process.env), parsedArguments.data[0]));
}
console.error('usage: npm run logs -- <export id>');
process.exit(2);
