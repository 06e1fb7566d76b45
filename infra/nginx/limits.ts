import { z } from 'zod';

const limitSchema = (defaultLimit: number) =>
  z.coerce.number().int().positive().default(defaultLimit);

/** Read when the configuration is rendered, not by the functions: docs/operations.md. */
const limitsSchema = z.object({
  /** Of one caller. */
  STREAMSYNC_REQUESTS_PER_SECOND: limitSchema(50),
  /** Of all callers of one address, which a whole office may share. */
  STREAMSYNC_REQUESTS_PER_SECOND_AND_ADDRESS: limitSchema(200),
  /** API requests in progress, of one address. */
  STREAMSYNC_CONNECTIONS_PER_ADDRESS: limitSchema(100),
  /** Downloads in progress, of one address. They last longer than API requests, so they have their own limit. */
  STREAMSYNC_DOWNLOADS_PER_ADDRESS: limitSchema(100),
  /** Open live sockets of one address. */
  STREAMSYNC_SOCKETS_PER_ADDRESS: limitSchema(200),
});

/**
 * Returns the values of nginx.conf.template: a rate, the number of requests that are answered without delay (`…AtOnce`),
 * and the number after which further requests are rejected (`…Burst`). Throws if a setting is not a positive integer.
 */
export function readLimits(environment: NodeJS.ProcessEnv): Record<string, number> {
  const settings = limitsSchema.parse(environment);
  const caller = settings.STREAMSYNC_REQUESTS_PER_SECOND;
  const address = settings.STREAMSYNC_REQUESTS_PER_SECOND_AND_ADDRESS;
  return {
    callerRate: caller,
    callerAtOnce: Math.ceil(caller / 2),
    callerBurst: caller * 9,
    addressRate: address,
    addressAtOnce: Math.ceil(address / 2),
    addressBurst: address * 9,
    connectionsPerAddress: settings.STREAMSYNC_CONNECTIONS_PER_ADDRESS,
    downloadsPerAddress: settings.STREAMSYNC_DOWNLOADS_PER_ADDRESS,
    socketsPerAddress: settings.STREAMSYNC_SOCKETS_PER_ADDRESS,
  };
}
