/** The functions: serverless-offline with our Kafka event source (infra/offline), one process with its workers. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { secretHeader } from '../../caller-check/caller-check.ts';
import { StackError } from '../errors.ts';
import { giveToOwnerOf } from '../home/atomic-file.ts';
import { repoRoot } from '../home/home.ts';
import { toolDirectory } from '../install/tool-cache.ts';
import { lastLines, waitFor } from '../processes.ts';
import { assertHealthy, fetchHealth } from './health.ts';
import { type StartContext, startTimeoutSeconds } from './start-context.ts';

/** Short, because the other services run already: an error that lasts 90 s will not pass. */
const healthyTimeoutSeconds = 90;
const stopTimeoutSeconds = 15;
const stage = 'local';
/** Names the cluster in events. Locally there is one broker, whose address is STREAMSYNC_KAFKA_BROKERS. */
const localClusterArn =
  'arn:aws:kafka:us-east-1:000000000000:cluster/streamsync/00000000-0000-0000-0000-000000000000-1';
const sweepFunctionName = `streamsync-${stage}-sweep`;

/** Messages of the event source to the supervisor, which writes stack.json. */
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

/** Resolves when HTTP answers; `consumersReady` resolves when the workers have joined their groups. */
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
      join(repoRoot, 'node_modules/serverless/bin/serverless.js'),
      'offline',
      'start',
      '--stage',
      stage,
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
      // 60 concurrent calls take 900 MB with a worker thread each, 220 MB in one process.
      '--useInProcess',
    ],
    env: {
      ...context.environment,
      ...application,
      NODE_COMPILE_CACHE: compileCache(context),
      STREAMSYNC_KAFKA_ARN: localClusterArn,
      ...(owner && { HOME: ownHome(context) }),
    },
    cwd: repoRoot,
    owner,
    stopSeconds: stopTimeoutSeconds,
    onMessage: (raw) => {
      const message = messageSchema.safeParse(raw);
      if (!message.success) return; // serverless may send other messages to its parent
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
  const headers = { [secretHeader]: context.secrets.doorSecret };
  await waitFor('functions did not answer', { seconds: startTimeoutSeconds, signal }, () =>
    fetchHealth(origin, headers),
  );
  const health = await waitFor(
    'functions were not healthy',
    { seconds: healthyTimeoutSeconds, signal },
    () => assertHealthy(origin, headers),
  );
  const loadError = thrownIn(health);
  if (loadError !== undefined) throw new StackError('a function cannot be loaded', loadError);
  report('functions', `ready on 127.0.0.1:${ports.http}`);
  return {
    consumersReady: async () => {
      await waitFor(
        'the consumers did not join their groups',
        { seconds: startTimeoutSeconds, signal },
        () => joined || undefined,
      );
      report('functions', 'consumers have joined');
    },
  };
}

/**
 * Node keeps machine code and stripped TypeScript there: a worker starts with 15 MB less, in two thirds of the time. Node
 * makes a directory in it for each version and user.
 */
function compileCache({ home }: StartContext): string {
  const directory = toolDirectory('compile-cache');
  mkdirSync(directory, { recursive: true });
  giveToOwnerOf(home.path, directory);
  return directory;
}

/** Serverless keeps a cache in HOME; the owner of the stack's home may not enter root's. */
function ownHome({ home }: StartContext): string {
  mkdirSync(home.functions, { recursive: true, mode: 0o700 });
  giveToOwnerOf(home.path, home.functions);
  return home.functions;
}

/**
 * Runs one pass of the sweep over what the last stop left: expired leases, unsent events, expired files. Then starts
 * another sweep in the background, because the schedule starts only with the next full minute.
 */
export async function sweepOnce(context: StartContext): Promise<void> {
  const invoke = (event: object, seconds: number): Promise<Response> =>
    fetch(
      `http://127.0.0.1:${context.ports.lambda}/2015-03-31/functions/${sweepFunctionName}/invocations`,
      {
        method: 'POST',
        headers: { [secretHeader]: context.secrets.doorSecret },
        body: JSON.stringify(event),
        signal: AbortSignal.any([context.signal, AbortSignal.timeout(seconds * 1000)]),
      },
    );
  const response = await invoke({ passes: 1 }, startTimeoutSeconds);
  const answer = await response.text();
  const thrown = thrownIn(answer);
  if (response.status !== 200 || thrown !== undefined) {
    throw new StackError(
      `the first sweep failed with status ${response.status}`,
      thrown ?? [answer.slice(0, 1000)],
    );
  }
  context.report('functions', 'swept once');
  // Its errors are ignored: the schedule runs the sweep again.
  invoke({}, 90).catch(() => undefined);
}

/** Returns the error in an answer: a function that throws or cannot be loaded answers 200 with the error as result. */
function thrownIn(answer: string): string[] | undefined {
  const { success, data } = thrownSchema.safeParse(answer);
  return success ? lastLines(data.errorMessage) : undefined;
}
