import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { home } from './stack.ts';

interface Simulator {
  child: ChildProcess;
  /** The exit code. */
  ended: Promise<number | null>;
  output: Promise<string>;
  errors: Promise<string>;
  /** Returns the output until now. */
  printed: () => string;
}

/** Starts the program of `npm run simulate` for the stack. It is killed after a minute. */
export function simulate(args: string): Simulator {
  const child = spawn(process.execPath, [join('infra', 'cli', 'simulate.ts'), ...args.split(' ')], {
    // A suite may have set the brokers for itself.
    env: { ...process.env, STREAMSYNC_HOME: home(), STREAMSYNC_KAFKA_BROKERS: undefined },
    timeout: 60_000,
  });
  let printed = '';
  child.stdout.on('data', (chunk) => (printed += String(chunk)));
  return {
    child,
    printed: () => printed,
    ended: new Promise((resolve) => child.once('close', resolve)),
    output: text(child.stdout),
    errors: text(child.stderr),
  };
}
