/** A Serverless plugin: the ports of serverless-offline answer the parts of the stack alone. */
import { checkCallers } from './caller-check.ts';

export default class CallerCheck {
  readonly hooks: Readonly<Record<string, () => Promise<void>>>;

  constructor() {
    const check = async (): Promise<void> => {
      checkCallers(process.env['STREAMSYNC_DOOR_SECRET']);
    };
    // Before serverless-offline listens, which it does in `offline:start` and in `offline:start:init`.
    this.hooks = { 'before:offline:start': check, 'before:offline:start:init': check };
  }
}
