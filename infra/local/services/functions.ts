/** The functions: serverless-offline with our Kafka event source (infra/offline), one process and its workers. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SECRET_HEADER } from '../../caller-check/caller-check.ts';
import { StackError } from '../errors.ts';
import { giveToOwnerOf } from '../files.ts';
import { REPO } from '../home.ts';
import { lastLines, waitFor } from '../processes.ts';
import { START_SECONDS, type StartContext } from './context.ts';
import { askHealth, requireHealth } from './health.ts';

/** The other parts run already: an answer that is an error by then is one that more waiting does not mend. */
const WELL_SECONDS = 30;
const STOP_SECONDS = 15;
const STAGE = 'local';
const SWEEP = `streamsync-${STAGE}-sweep`;

/** What the event source tells the supervisor: only the supervisor writes stack.json. */
const messageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('process'), name: z.string(), pid: z.number().int() }),
  z.object({ type: z.literal('process-gone'), name: z.string(), pid: z.number().int() }),
  z.object({ type: z.literal('consumers-ready') }),
]);

const thrownSchema = z
  .string()
  .transform((text): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  })
  .pipe(z.object({ errorMessage: z.string() }));

export interface FunctionsEvents {
  started(name: string, pid: number): void;
  gone(pid: number): void;
}

/** → resolves when HTTP answers; consumersReady when the workers have joined their groups. */
export async function startFunctions(
  application: Record<string, string>,
  events: FunctionsEvents,
  context: StartContext,
): Promise<{ consumersReady: () => Promise<void> }> {
  const { ports, signal, report } = context;
  const owner = await context.runAs(process.execPath);
  let joined = false;
  await context.start({
    name: 'functions',
    command: process.execPath,
    args: [
      join(REPO, 'node_modules/serverless/bin/serverless.js'),
      'offline',
      'start',
      '--stage',
      STAGE,
      '--host',
      '127.0.0.1',
      '--httpPort',
      String(ports.http),
      '--lambdaPort',
      String(ports.lambda),
      '--websocketPort',
      String(ports.websocket),
      '--noPrependStageInUrl',
      '--noSponsor',
      // A worker thread for each concurrent call took 900 MB at 60 calls, in one process it is 220 MB.
      '--useInProcess',
    ],
    env: { ...context.environment, ...application, ...(owner && { HOME: ownHome(context) }) },
    cwd: REPO,
    owner,
    stopSeconds: STOP_SECONDS,
    onMessage: (raw) => {
      const message = messageSchema.safeParse(raw);
      if (!message.success) return; // serverless may talk to its parent about other things
      switch (message.data.type) {
        case 'process':
          return events.started(message.data.name, message.data.pid);
        case 'process-gone':
          return events.gone(message.data.pid);
        case 'consumers-ready':
          joined = true;
          return undefined;
        default:
          message.data satisfies never;
      }
    },
  });
  const origin = `http://127.0.0.1:${ports.http}`;
  const headers = { [SECRET_HEADER]: context.secrets.doorSecret };
  await waitFor('functions do not answer', { seconds: START_SECONDS, signal }, () =>
    askHealth(origin, headers),
  );
  const health = await waitFor('functions are not well', { seconds: WELL_SECONDS, signal }, () =>
    requireHealth(origin, headers),
  );
  const unloaded = thrownIn(health);
  if (unloaded !== undefined) throw new StackError('a function cannot be loaded', unloaded);
  report('functions', `ready on 127.0.0.1:${ports.http}`);
  return {
    consumersReady: async () => {
      await waitFor(
        'the consumers did not join their groups',
        { seconds: START_SECONDS, signal },
        () => joined || undefined,
      );
      report('functions', 'consumers have joined');
    },
  };
}

/** Serverless keeps a cache in the home directory of its user: that of root is closed to the owner of ours. */
function ownHome({ home }: StartContext): string {
  mkdirSync(home.functions, { recursive: true, mode: 0o700 });
  giveToOwnerOf(home.path, home.functions);
  return home.functions;
}

/**
 * One pass over what the last stop left: dead leases, unsent events, expired files. Then goes on in the
 * background, as the schedule does, which begins with the next full minute only.
 */
export async function sweepOnce(context: StartContext): Promise<void> {
  const invoke = (event: object, seconds: number): Promise<Response> =>
    fetch(`http://127.0.0.1:${context.ports.lambda}/2015-03-31/functions/${SWEEP}/invocations`, {
      method: 'POST',
      headers: { [SECRET_HEADER]: context.secrets.doorSecret },
      body: JSON.stringify(event),
      signal: AbortSignal.any([context.signal, AbortSignal.timeout(seconds * 1000)]),
    });
  const response = await invoke({ passes: 1 }, START_SECONDS);
  const answer = await response.text();
  const thrown = thrownIn(answer);
  if (response.status !== 200 || thrown !== undefined) {
    throw new StackError(
      `the first sweep failed with status ${response.status}`,
      thrown ?? [answer.slice(0, 1000)],
    );
  }
  context.report('functions', 'swept once');
  // Its end, by the stop of the stack too, is nobody's concern.
  invoke({}, 90).catch(() => undefined);
}

/** A function that threw, or could not be loaded, answers 200 as well, with the error as its result. */
function thrownIn(answer: string): string[] | undefined {
  const { success, data } = thrownSchema.safeParse(answer);
  return success ? lastLines(data.errorMessage) : undefined;
}
