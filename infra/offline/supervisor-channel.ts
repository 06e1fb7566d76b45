/**
 * Reports to the process that started Serverless, if it opened an IPC channel.
 *
 * `{type: 'process', name, pid}` when an instance starts, `{type: 'process-gone', name, pid}` when
 * it has ended, `{type: 'consumers-ready'}` once, when every consumer has joined its group and the
 * warm instances have loaded their handlers. Nothing is read from the channel; when it closes, the
 * supervisor has ended.
 */
import type { InstanceWatcher } from './pool.ts';

type SupervisorMessage =
  | { type: 'process'; name: string; pid: number }
  | { type: 'process-gone'; name: string; pid: number }
  | { type: 'consumers-ready' };

export class SupervisorChannel implements InstanceWatcher {
  started(name: string, pid: number): void {
    this.#send({ type: 'process', name, pid });
  }

  ended(name: string, pid: number): void {
    this.#send({ type: 'process-gone', name, pid });
  }

  consumersReady(): void {
    this.#send({ type: 'consumers-ready' });
  }

  /** Calls `onGone` when the channel closes, at once if it is closed already; never without a channel. */
  watch(onGone: () => void): void {
    if (process.send === undefined) return;
    if (process.connected) process.once('disconnect', onGone);
    else onGone();
  }

  #send(message: SupervisorMessage): void {
    // If sending fails, the channel is closing, which `watch` notices.
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  }
}
