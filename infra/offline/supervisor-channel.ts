/**
 * What the plugin tells the process that started Serverless, if that gave it an IPC channel.
 *
 * `{type: 'process', name, pid}` when an instance starts, `{type: 'process-gone', name, pid}` when
 * it has ended, `{type: 'consumers-ready'}` once, when every consumer has joined its group and the
 * instances to keep warm have loaded their handlers. Nothing is read from the channel; its end
 * means that the supervisor is gone.
 */
import type { InstanceWatcher } from './pool.ts';

type SupervisorMessage =
  | { readonly type: 'process'; readonly name: string; readonly pid: number }
  | { readonly type: 'process-gone'; readonly name: string; readonly pid: number }
  | { readonly type: 'consumers-ready' };

export class Supervisor implements InstanceWatcher {
  started(name: string, pid: number): void {
    this.#send({ type: 'process', name, pid });
  }

  ended(name: string, pid: number): void {
    this.#send({ type: 'process-gone', name, pid });
  }

  consumersReady(): void {
    this.#send({ type: 'consumers-ready' });
  }

  /** Calls `onGone` when the channel closes, at once if it has already; never without a channel. */
  watch(onGone: () => void): void {
    if (process.send === undefined) return;
    if (process.connected) process.once('disconnect', onGone);
    else onGone();
  }

  #send(message: SupervisorMessage): void {
    // A failure to send means that the channel is closing, which `watch` sees.
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  }
}
