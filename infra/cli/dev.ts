/**
 * npm run dev, next to a running npm start: serves the page by Vite with hot reload, and restarts the functions when
 * their code changes. It ends with Ctrl-C, or when the stack ends; the stack is left as it is.
 */
import { join } from 'node:path';
import { createServer, type ProxyOptions, type ViteDevServer } from 'vite';
import { errorMessage } from '../../lib/runtime/errors.ts';
import { sleep } from '../../lib/runtime/retry.ts';
import { settledWithin } from '../../lib/runtime/timeout.ts';
import { tryLock } from '../bootstrap/pid-lock.mjs';
import { StackError } from '../local/errors.ts';
import { type Home, openHome, repoRoot } from '../local/home/home.ts';
import { findRunningStack, startCommand } from '../local/home/running-stack.ts';
import type { StackFile } from '../local/home/stack-file.ts';
import { waitFor } from '../local/processes.ts';
import { readRestartResult } from '../local/restart-functions.ts';
import { startTimeoutSeconds } from '../local/services/start-context.ts';
import { watchSources } from './watch-sources.ts';

/** Longer than the supervisor allows the functions for stopping and starting. */
const restartTimeoutSeconds = 4 * startTimeoutSeconds;
const closeTimeoutMs = 3_000;

const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => stopping.abort());

/** Returns the stack of this home. Throws a StackError if no stack runs in it. */
function requireStack(home: Home): StackFile {
  const stack = findRunningStack(home);
  // The lock compares start times as well: a later process with the same number must not get our signals.
  const attempt = tryLock(home.lock);
  attempt.release?.();
  if (stack !== undefined && attempt.holder === stack.pid) return stack;
  throw new StackError(
    `No stack runs in ${home.path}. Start it first, in another terminal: ${startCommand(home)}`,
  );
}

/** Rewrites Origin and Location: the page and the stack each see only their own address. */
function proxyTo({ url }: StackFile): ProxyOptions {
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

async function servePage(stack: StackFile): Promise<ViteDevServer> {
  const proxy = proxyTo(stack);
  const server = await createServer({
    configFile: join(repoRoot, 'web/vite.config.ts'),
    logLevel: 'warn',
    clearScreen: false,
    server: {
      proxy: {
        '/api': proxy,
        '/files': proxy,
        // The page and the socket have one address; the modules of the page are below it.
        '^/live(?:\\?|$)': {
          ...proxy,
          ws: true,
          bypass: ({ headers }) => (headers.upgrade === undefined ? '/index.html' : undefined),
        },
      },
    },
  });
  return await server.listen();
}

async function restartFunctions(home: Home, signal: AbortSignal): Promise<void> {
  const since = Date.now();
  process.kill(requireStack(home).pid, 'SIGUSR2');
  const result = await waitFor(
    'the stack did not restart its functions',
    { seconds: restartTimeoutSeconds, signal },
    () => readRestartResult(home.logs, since),
  );
  if (result.error === undefined) {
    console.log(`functions restarted (${result.seconds.toFixed(1)} s)`);
    return;
  }
  console.error(`functions not restarted: ${result.error.message}`);
  for (const detail of result.error.details) console.error(`  | ${detail}`);
  console.error('The next change restarts them again.');
}

/** Returns a function that requests a restart. One runs at a time; requests during a restart become one more. */
function restarts(home: Home, signal: AbortSignal): () => void {
  let requested = false;
  let running = false;
  const run = async (): Promise<void> => {
    running = true;
    while (requested && !signal.aborted) {
      requested = false;
      try {
        await restartFunctions(home, signal);
      } catch (error) {
        if (!signal.aborted) console.error(errorMessage(error));
      }
    }
    running = false;
  };
  return () => {
    requested = true;
    if (!running) void run();
  };
}

/** Resolves when a signal asks to stop. Throws a StackError if the stack has ended. */
async function untilStopped(home: Home, { pid }: StackFile): Promise<void> {
  while (!stopping.signal.aborted) {
    if (findRunningStack(home)?.pid !== pid) {
      throw new StackError(`The stack has ended. Start it again: ${startCommand(home)}`);
    }
    await sleep(1000, stopping.signal).catch(() => {});
  }
}

async function main(): Promise<void> {
  const home = openHome(process.env);
  const stack = requireStack(home);
  const server = await servePage(stack);
  const unwatch = watchSources(restarts(home, stopping.signal));
  try {
    console.log(`ready  ${server.resolvedUrls?.local[0]}`);
    console.log(`Serves the page from its sources; ${stack.url} answers everything else.`);
    await untilStopped(home, stack);
  } finally {
    unwatch();
    await settledWithin(server.close(), closeTimeoutMs);
  }
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(error instanceof StackError ? error.message : error);
  process.exit(1);
}
