/**
 * npm run dev: beside a running npm start, the page by Vite with hot reload, and the functions started anew when
 * their code changes. It ends with Ctrl-C or with its stack, which it leaves as it is.
 */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createServer, type ProxyOptions, type ViteDevServer } from 'vite';
import { messageOf, StackError } from './errors.ts';
import { findRunningStack, type RunningStack, startCommand } from './found-stack.ts';
import { restartOutcome } from './functions-restart.ts';
import { type Home, openHome, REPO } from './home.ts';
import { tryLock } from './lock.mjs';
import { START_SECONDS } from './parts/context.ts';
import { waitFor, within } from './processes.ts';
import { watchSources } from './watch-sources.ts';

/** Longer than the supervisor gives the functions to stop and to start. */
const RESTART_SECONDS = 4 * START_SECONDS;
const CLOSE_SECONDS = 3;

const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => stopping.abort());

/** @throws StackError when no stack runs in this home. */
function requireStack(home: Home): RunningStack {
  const stack = findRunningStack(home);
  // The lock knows a process from a later one with its number, which a signal might end.
  const attempt = tryLock(home.lock);
  attempt.release?.();
  if (stack !== undefined && attempt.holder === stack.pid) return stack;
  throw new StackError(
    `No stack runs in ${home.path}. Start it first, in another terminal: ${startCommand(home)}`,
  );
}

/** The page thinks that it is at the stack's own address, and the stack that it is asked there. */
function proxyTo({ url }: RunningStack): ProxyOptions {
  return {
    target: url,
    changeOrigin: true,
    configure: (proxy) => {
      proxy.on('proxyReq', (request) => {
        if (request.hasHeader('origin')) request.setHeader('origin', url);
      });
      proxy.on('proxyReqWs', (request) => request.setHeader('origin', url));
      proxy.on('proxyRes', ({ headers }) => {
        if (headers.location?.startsWith(`${url}/`))
          headers.location = headers.location.slice(url.length);
      });
    },
  };
}

async function servePage(stack: RunningStack): Promise<ViteDevServer> {
  const proxy = proxyTo(stack);
  const server = await createServer({
    configFile: join(REPO, 'web/vite.config.ts'),
    logLevel: 'warn',
    clearScreen: false,
    server: { proxy: { '/api': proxy, '/files': proxy, '/live': { ...proxy, ws: true } } },
  });
  return await server.listen();
}

async function restartFunctions(home: Home, signal: AbortSignal): Promise<void> {
  const since = Date.now();
  process.kill(requireStack(home).pid, 'SIGUSR2');
  const outcome = await waitFor(
    'the stack does not restart its functions',
    { seconds: RESTART_SECONDS, signal },
    () => restartOutcome(home.logs, since),
  );
  if (outcome.error === undefined) {
    console.log(`functions restarted (${outcome.seconds.toFixed(1)} s)`);
    return;
  }
  console.error(`functions not restarted: ${outcome.error.message}`);
  for (const detail of outcome.error.details) console.error(`  | ${detail}`);
  console.error('They are tried again at the next change.');
}

/** One restart at a time; the changes made during one are one more. → a function that asks for one. */
function restarts(home: Home, signal: AbortSignal): () => void {
  let asked = false;
  let running = false;
  const run = async (): Promise<void> => {
    running = true;
    while (asked && !signal.aborted) {
      asked = false;
      try {
        await restartFunctions(home, signal);
      } catch (error) {
        if (!signal.aborted) console.error(messageOf(error));
      }
    }
    running = false;
  };
  return () => {
    asked = true;
    if (!running) void run();
  };
}

/** → when it is to stop. @throws StackError when the stack has ended. */
async function untilStopped(home: Home, { pid }: RunningStack): Promise<void> {
  while (!stopping.signal.aborted) {
    if (findRunningStack(home)?.pid !== pid) {
      throw new StackError(`The stack has ended. Start it again first: ${startCommand(home)}`);
    }
    await setTimeout(1000, undefined, { signal: stopping.signal }).catch(() => {});
  }
}

async function main(): Promise<void> {
  const home = openHome(process.env);
  const stack = requireStack(home);
  const server = await servePage(stack);
  const unwatch = watchSources(restarts(home, stopping.signal));
  try {
    console.log(`ready  ${server.resolvedUrls?.local[0]}`);
    console.log(`The page as it is edited; everything else is answered by ${stack.url}.`);
    await untilStopped(home, stack);
  } finally {
    unwatch();
    await within(CLOSE_SECONDS, server.close());
  }
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(error instanceof StackError ? error.message : error);
  process.exit(1);
}
