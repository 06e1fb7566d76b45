// node infra/bootstrap/bootstrap.mjs <script.ts> [arguments…]
//
// Starts every script of this repository, also in a fresh clone and with any Node from 20 on. It installs the packages
// if they are missing or belong to another package-lock.json, then runs the script with the Node among them (24, as on
// AWS), which runs TypeScript directly. It uses plain JavaScript and built-in modules only, as it runs before the
// packages exist.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { lock } from './pid-lock.mjs';

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'];
const installMinutes = 15;
const repo = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../..');
const node = join(repo, 'node_modules/.bin/node');
const stamp = join(repo, 'node_modules/.streamsync-lock');
const startedAt = Number(process.env.STREAMSYNC_STARTED_AT) || Date.now();

/** The child that gets every signal: npm ci first, then the script. */
let child;
let stopSignal;

async function main([script, ...args]) {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    fail(
      `StreamSync needs Node 20 or newer to start (it then installs its own Node 24); this is ${process.version}.`,
    );
  }
  if (!script) fail('usage: node infra/bootstrap/bootstrap.mjs <script.ts> [arguments…]');
  for (const signal of signals) process.on(signal, () => forward(signal));
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
  for (const name of signals) process.removeAllListeners(name);
  process.kill(process.pid, signal);
}

/** Returns whether node_modules was installed from the current package-lock.json. */
function installed() {
  if (!existsSync(node)) return false;
  if (read(stamp) === digest()) return true;
  // After a manual npm install, npm's own record says what is installed.
  const record = read(join(repo, 'node_modules/.package-lock.json'));
  if (record === undefined || !covers(record)) return false;
  writeFileSync(stamp, digest());
  return true;
}

function covers(record) {
  const locked = JSON.parse(readFileSync(join(repo, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(record).packages;
  return Object.entries(locked).every(
    // Optional packages may be for other platforms; the entry without a path is the project itself.
    ([path, entry]) =>
      path === '' ||
      entry.optional ||
      entry.devOptional ||
      present[path]?.version === entry.version,
  );
}

async function install() {
  // npm start and npm test may be started together in a fresh clone: one installs, the other waits.
  const installLock = await lock(join(repo, '.parts/locks/packages'), {
    onWait: (pid) => report(`process ${pid} is installing them, waiting`),
  });
  try {
    if (installed()) return;
    report('installing (npm ci), a minute or two');
    const output = [];
    // npm_execpath is the npm that runs us. PATH may have another npm or none.
    const npm = process.env.npm_execpath?.endsWith('.js')
      ? [process.execPath, process.env.npm_execpath]
      : ['npm'];
    const { code, signal, error } = await run(
      npm[0],
      // include=dev: with NODE_ENV=production npm would leave out Node 24 and the tools of the stack.
      [...npm.slice(1), 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'],
      {
        env: process.env,
        stdio: ['ignore', 'pipe', 'pipe'],
        collect: output,
        minutes: installMinutes,
      },
    );
    if (stopSignal) process.exit(1);
    if (error) fail(`npm could not be started: ${error.message}`);
    if (code !== 0) {
      const text = Buffer.concat(output).toString();
      const offline =
        /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT/.test(
          text,
        );
      fail(
        offline
          ? 'npm cannot reach its registry. StreamSync needs the network for its first start.'
          : `npm ci failed (${signal ?? `exit code ${code}`}).`,
        text,
      );
    }
    if (!existsSync(node)) {
      fail(
        'npm ci did not install Node 24 (node_modules/.bin/node). Are install scripts disabled? Try: npm rebuild node',
      );
    }
    writeFileSync(stamp, digest());
    report('installed');
  } finally {
    installLock.release();
  }
}

function run(command, args, { env, stdio, collect, minutes }) {
  return new Promise((settle) => {
    child = spawn(command, args, { cwd: repo, env, stdio });
    const deadline = minutes && setTimeout(() => child.kill('SIGKILL'), minutes * 60_000);
    child.stdout?.on('data', (chunk) => collect.push(chunk));
    child.stderr?.on('data', (chunk) => collect.push(chunk));
    child.on('error', (error) => settle({ error, code: 1, signal: null }));
    child.on('close', (code, signal) => {
      clearTimeout(deadline);
      settle({ code, signal });
    });
  });
}

/** Ctrl-C reaches the child directly, too, and npm repeats it: the scripts ignore further signals. */
function forward(signal) {
  stopSignal = signal;
  if (child === undefined) process.exit(1);
  child.kill(signal);
}

/**
 * Ends the script if npm, our parent, is killed: a killed npm cannot forward signals. Without npm the script may outlive
 * its shell.
 */
function endWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    forward('SIGTERM');
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

function report(text) {
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
