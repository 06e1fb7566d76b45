import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import { freePorts } from './free-ports.ts';
import { waitFor } from './wait-for.ts';

const serverless = join(import.meta.dirname, '../../node_modules/serverless/bin/serverless.js');

const readySchema = z.object({ type: z.literal('consumers-ready') });

/** `serverless offline start` of the serverless.yml in a directory. `output` keeps what it and its functions print. */
export class OfflineService implements AsyncDisposable {
  output = '';
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  #isReady = false;

  private constructor(
    directory: string,
    ports: readonly number[],
    environment: Record<string, string>,
  ) {
    const [http, lambda, websocket] = ports;
    this.#process = spawn(
      process.execPath,
      [
        serverless,
        'offline',
        'start',
        '--noSponsor',
        '--host=127.0.0.1',
        `--httpPort=${http}`,
        `--lambdaPort=${lambda}`,
        `--websocketPort=${websocket}`,
      ],
      {
        cwd: directory,
        // Serverless keeps a cache in HOME.
        env: { PATH: process.env.PATH, HOME: directory, ...environment },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      },
    );
    this.#ended = new Promise((resolve) => this.#process.once('close', resolve));
    const keep = (chunk: unknown): void => void (this.output += String(chunk));
    this.#process.stdout?.on('data', keep);
    this.#process.stderr?.on('data', keep);
    this.#process.on('message', (message) => {
      this.#isReady ||= readySchema.safeParse(message).success;
    });
  }

  /** Starts the service and waits until its consumers have joined. Throws with its output if it ends before. */
  static async start(
    directory: string,
    environment: Record<string, string> = {},
  ): Promise<OfflineService> {
    const service = new OfflineService(directory, await freePorts(3), environment);
    try {
      await service.waitFor('its consumers join', () => service.#isReady || undefined);
    } catch (error) {
      await service[Symbol.asyncDispose]();
      throw error;
    }
    return service;
  }

  /** Returns what the service prints until it ends. */
  static async outputOf(directory: string): Promise<string> {
    const service = new OfflineService(directory, await freePorts(3), {});
    try {
      const hasEnded = (): true | undefined => service.#process.exitCode !== null || undefined;
      await waitFor('the service ends', async () => hasEnded());
      await service.#ended;
      return service.output;
    } finally {
      await service[Symbol.asyncDispose]();
    }
  }

  /** Waits until `probe` returns a value, and returns it. Throws with the output of the service if it ends before. */
  waitFor<T>(what: string, probe: () => T | undefined | Promise<T | undefined>): Promise<T> {
    return waitFor(what, async () => {
      if (this.#process.exitCode !== null) throw new Error(`the service ended:\n${this.output}`);
      return probe();
    }).catch((error: unknown) => {
      throw new Error(`${what}\n${this.output.slice(-4000)}`, { cause: error });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGTERM');
    await this.#ended;
  }
}
