/**
 * The messages between the plugin and the process of a function instance. As in Lambda's runtime
 * interface, constant values of the instance are in its environment, values of one invocation are in
 * its message.
 */
import { z } from 'zod';

export const invocationSchema = z.object({
  type: z.literal('invoke'),
  requestId: z.string(),
  invokedFunctionArn: z.string(),
  /** When the function is killed, in milliseconds since the epoch. */
  deadline: z.number(),
  event: z.unknown(),
});
export type Invocation = z.output<typeof invocationSchema>;

export const instanceReportSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('loaded') }),
  z.object({ type: z.literal('done'), requestId: z.string(), response: z.unknown() }),
  z.object({ type: z.literal('failed'), requestId: z.string(), reason: z.string() }),
]);
export type InstanceReport = z.output<typeof instanceReportSchema>;
