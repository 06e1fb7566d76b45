// node infra/local/bootstrap.mjs <script.ts> [arguments…]
//
// The way into every script of this repository from a fresh clone: any Node from 20 on starts it; it installs the
// packages when they are missing or belong to another package-lock.json, then runs the script with the Node that
// came with them (24, as on AWS), which reads TypeScript as it is. Plain JavaScript and built-ins only: there is
// nothing else yet when it runs.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { lock } from './lock.mjs';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'];
const INSTALL_MINUTES = 15;
const repo = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../..');
const node = join(repo, 'node_modules/.bin/node');
const stamp = join(repo, 'node_modules/.streamsync-lock');
const startedAt = Number(process.env.STREAMSYNC_STARTED_AT) || Date.now();

/** The child every signal goes to: npm ci first, then the script. */
let child;
let stopped;

async function main([script, ...args]) {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    fail(
      `StreamSync needs Node 20 or newer to start (it then brings its own Node 24); this is ${process.version}.`,
    );
  }
  if (!script) fail('usage: node infra/local/bootstrap.mjs <script.ts> [arguments…]');
  for (const signal of SIGNALS) process.on(signal, () => passOn(signal));
  endWithNpm();

  if (!installed()) await install();
  const environment = {
    ...process.env,
    PATH: `${join(repo, 'node_modules/.bin')}${delimiter}${process.env.PATH ?? ''}`,
    STREAMSYNC_STARTED_AT: String(startedAt),
    STREAMSYNC_BOOTSTRAP_PID: String(process.pid),
  };
  const { code, signal } = await run(node, [resolve(repo, script), ...args], {
    env: environment,
    stdio: 'inherit',
  });
  if (signal === null) process.exit(code);
  for (const name of SIGNALS) process.removeAllListeners(name);
  process.kill(process.pid, signal);
}

/** Whether node_modules was made from the present package-lock.json. */
function installed() {
  if (!existsSync(node)) return false;
  if (read(stamp) === digest()) return true;
  // Somebody may have run npm by hand: npm's own record of what it installed answers then.
  const record = read(join(repo, 'node_modules/.package-lock.json'));
  if (record === undefined || !covers(record)) return false;
  writeFileSync(stamp, digest());
  return true;
}

function covers(record) {
  const wanted = JSON.parse(readFileSync(join(repo, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(record).packages;
  return Object.entries(wanted).every(
    // Optional ones are those of other platforms; the nameless one is the project itself.
    ([path, entry]) =>
      path === '' ||
      entry.optional ||
      entry.devOptional ||
      present[path]?.version === entry.version,
  );
}

async function install() {
  // npm start and npm test of a fresh clone may be started together: one installs, the other waits.
  const held = await lock(join(repo, '.parts/locks/packages'), {
    onWait: (pid) => say(`process ${pid} is installing them, waiting`),
  });
  try {
    if (installed()) return;
    say('installing (npm ci), a minute or two');
    const output = [];
    // npm_execpath is the npm that runs us; it may not be the one on PATH, or there may be none there.
    const npm = process.env.npm_execpath?.endsWith('.js')
      ? [process.execPath, process.env.npm_execpath]
      : ['npm'];
    const { code, signal, error } = await run(
      npm[0],
      // include=dev: NODE_ENV=production must not leave out Node 24 and the tools of the stack.
      [...npm.slice(1), 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'],
      {
        env: process.env,
        stdio: ['ignore', 'pipe', 'pipe'],
        collect: output,
        minutes: INSTALL_MINUTES,
      },
    );
    if (stopped) process.exit(1);
    if (error) fail(`npm could not be started: ${error.message}`);
    if (code !== 0) {
      const text = Buffer.concat(output).toString();
      const offline =
        /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT/.test(
          text,
        );
      fail(
        offline
          ? 'npm cannot reach its registry. StreamSync needs the network the first time it starts.'
          : `npm ci failed (${signal ?? `exit code ${code}`}).`,
        text,
      );
    }
    if (!existsSync(node)) {
      fail(
        'npm ci installed no Node 24 (node_modules/.bin/node). Are install scripts switched off? Try: npm rebuild node',
      );
    }
    writeFileSync(stamp, digest());
    say('installed');
  } finally {
    held.release();
  }
}

function run(command, args, { env, stdio, collect, minutes }) {
  return new Promise((done) => {
    child = spawn(command, args, { cwd: repo, env, stdio });
    const deadline = minutes && setTimeout(() => child.kill('SIGKILL'), minutes * 60_000);
    child.stdout?.on('data', (chunk) => collect.push(chunk));
    child.stderr?.on('data', (chunk) => collect.push(chunk));
    child.on('error', (error) => done({ error, code: 1, signal: null }));
    child.on('close', (code, signal) => {
      clearTimeout(deadline);
      done({ code, signal });
    });
  });
}

/** Ctrl-C reaches the child by itself as well, and npm repeats it: the scripts take a second signal calmly. */
function passOn(signal) {
  stopped = signal;
  if (child === undefined) process.exit(1);
  child.kill(signal);
}

/**
 * A killed npm cannot pass anything on: notice that our parent changed, and end the script as npm would have.
 * Only under npm: started by hand, outliving the shell may be just what is wanted.
 */
function endWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    passOn('SIGTERM');
  }, 250);
  watch.unref();
}

function digest() {
  return createHash('sha256')
    .update(readFileSync(join(repo, 'package-lock.json')))
    .digest('hex');
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function say(text) {
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1).padStart(5);
  console.log(`[${seconds} s] packages   ${text}`);
}

function fail(message, output = '') {
  console.error(message);
  for (const line of output.trim().split('\n').filter(Boolean).slice(-20))
    console.error(`  | ${line}`);
  process.exit(1);
}

await main(process.argv.slice(2));
