/** npm run logs -- <export id>: one export's story in the order of time, from the catalogue and all logs of a home. */
import { z } from 'zod';
import { messageOf } from '../../lib/runtime/errors.ts';
import { logger } from '../../lib/runtime/logger.ts';
import { findRunningStack, startCommand, useStack } from './found-stack.ts';
import { type Home, openHome } from './home.ts';
import { withoutSecrets } from './redact.ts';
import { type Recorded, readCatalogue } from './story/catalogue.ts';
import { formatLine, inOrder } from './story/line.ts';
import { readLogs } from './story/logs.ts';

const DEADLINE_SECONDS = 15;

/** What the catalogue has; undefined = no such export; away = it could not be asked, with the reason. */
async function ask(home: Home, id: string): Promise<Recorded | undefined | { away: string }> {
  try {
    const stack = findRunningStack(home);
    if (stack === undefined) return { away: `no stack is running in ${home.path}` };
    useStack(home, stack);
    return await inTime(readCatalogue(id));
  } catch (error) {
    return { away: messageOf(error) };
  }
}

async function inTime<T>(asked: Promise<T>): Promise<T> {
  return await Promise.race([
    asked,
    new Promise<never>((_, late) => {
      setTimeout(
        () => late(new Error(`no answer within ${DEADLINE_SECONDS} s`)),
        DEADLINE_SECONDS * 1000,
      );
    }),
  ]);
}

/** → the exit code. */
async function tell(home: Home, id: string): Promise<number> {
  const recorded = await ask(home, id);
  const isAway = recorded !== undefined && 'away' in recorded;
  if (isAway) {
    console.error(withoutSecrets(`The catalogue is not reachable: ${recorded.away}.`));
    console.error(`Below is what the logs alone tell. For the rest: ${startCommand(home)}`);
  }
  const known = recorded === undefined || isAway ? undefined : recorded;
  const logged = await readLogs(home, {
    ids: known?.ids ?? [id],
    requestEventId: known?.requestEventId ?? null,
    fileName: known?.fileName ?? null,
  });
  for (const line of inOrder([...(known?.lines ?? []), ...logged])) console.log(formatLine(line));
  if (known !== undefined) return 0;
  if (isAway && logged.length > 0) return 0;
  console.error(
    isAway
      ? `The logs in ${home.path} have nothing about an export ${id}.`
      : `There is no export ${id} in the catalogue of ${home.path}.`,
  );
  return 1;
}

// What the code of the domain logs while it is asked is no part of the story.
logger.setLogLevel('SILENT');
const wanted = z.tuple([z.uuid().toLowerCase()]).safeParse(process.argv.slice(2));
if (wanted.success) {
  // A reader that has seen enough (| head) ends the story.
  process.stdout.on('error', () => process.exit(0));
  process.exit(await tell(openHome(process.env), wanted.data[0]));
}
console.error('usage: npm run logs -- <export id>');
process.exit(2);
