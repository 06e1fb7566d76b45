/**
 * What the plugin and the process of a function instance say to each other. As with Lambda's own
 * runtime interface, what stays the same for the instance is in its environment, and what belongs
 * to one invocation comes with it.
 */
import { z } from 'zod';

export const Invocation = z.object({
  type: z.literal('invoke'),
  requestId: z.string(),
  invokedFunctionArn: z.string(),
  /** When the function is killed, in milliseconds since the epoch. */
  deadline: z.number(),
  event: z.unknown(),
});
export type Invocation = z.output<typeof Invocation>;

export const InstanceReport = z.discriminatedUnion('type', [
  z.object({ type: z.literal('loaded') }),
  z.object({ type: z.literal('done'), requestId: z.string() }),
  z.object({ type: z.literal('failed'), requestId: z.string(), reason: z.string() }),
]);
export type InstanceReport = z.output<typeof InstanceReport>;
