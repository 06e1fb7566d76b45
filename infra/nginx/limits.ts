import { z } from 'zod';

const most = (fallback: number) => z.coerce.number().int().positive().default(fallback);

/** Read by whoever renders the configuration, not by the functions: docs/operations.md. */
const limitsSchema = z.object({
  /** Of one caller. */
  STREAMSYNC_REQUESTS_PER_SECOND: most(50),
  /** Of all callers of one address: a whole office may stand behind it. */
  STREAMSYNC_REQUESTS_PER_SECOND_AND_ADDRESS: most(200),
  /** Calls of the API that are being answered, of one address. */
  STREAMSYNC_CONNECTIONS_PER_ADDRESS: most(100),
  /** Downloads under way, of one address. They last longer than calls, so they count for themselves. */
  STREAMSYNC_DOWNLOADS_PER_ADDRESS: most(100),
});

/**
 * Returns what nginx.conf.template wants: a rate, how many requests go on at once before it holds, and how many more
 * wait for their turn before they are refused (`burst` counts both). Throws on what is no number.
 */
export function readLimits(environment: NodeJS.ProcessEnv): Record<string, number> {
  const it = limitsSchema.parse(environment);
  const caller = it.STREAMSYNC_REQUESTS_PER_SECOND;
  const address = it.STREAMSYNC_REQUESTS_PER_SECOND_AND_ADDRESS;
  return {
    callerRate: caller,
    callerAtOnce: Math.ceil(caller / 2),
    callerBurst: caller * 9,
    addressRate: address,
    addressAtOnce: Math.ceil(address / 2),
    addressBurst: address * 9,
    connectionsPerAddress: it.STREAMSYNC_CONNECTIONS_PER_ADDRESS,
    downloadsPerAddress: it.STREAMSYNC_DOWNLOADS_PER_ADDRESS,
  };
}
