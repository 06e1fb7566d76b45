/** A Serverless plugin: the ports of serverless-offline answer only the services of the stack. */
import { checkCallers } from './caller-check.ts';

export default class CallerCheck {
  readonly hooks: Readonly<Record<string, () => Promise<void>>>;

  constructor() {
    const check = async (): Promise<void> => {
      checkCallers(process.env.STREAMSYNC_DOOR_SECRET);
    };
    // serverless-offline starts to listen in `offline:start` and in `offline:start:init`.
    this.hooks = { 'before:offline:start': check, 'before:offline:start:init': check };
  }
}
