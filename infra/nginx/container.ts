import { rootCertificates } from 'node:tls';
import { z } from 'zod';
import { environmentSchema } from '../../lib/runtime/config.ts';
import type { DoorSettings } from './configuration.ts';

/** NGINX runs without root, which alone may listen on ports below 1024. */
const doorPort = 8080;
/** On loopback, which the containers of the door share. */
const authorizerPort = 9000;
/** The directory of the page in the image. */
const pageDirectory = '/usr/share/streamsync/page';

const url = z.url({ protocol: /^https?$/ }).transform((text) => new URL(text));
/** CloudFormation has the address of sockets with `wss:`. */
const socketUrl = z
  .url({ protocol: /^(?:http|ws)s?$/ })
  .transform((text) => new URL(text.replace(/^ws/, 'http')));

const doorEnvironmentSchema = z.object({
  STREAMSYNC_DOOR_SECRET: environmentSchema.shape.STREAMSYNC_DOOR_SECRET,
  STREAMSYNC_FUNCTIONS_URL: url,
  STREAMSYNC_LIVE_URL: socketUrl,
  STREAMSYNC_OBJECTS_URL: url,
});

/**
 * Returns the settings of NGINX in a container. Its access log goes to the log of the container. Throws an error that
 * names every wrong variable but repeats no value.
 *
 * @param resolvConf the text of /etc/resolv.conf
 */
export function containerSettings(
  environment: NodeJS.ProcessEnv,
  resolvConf: string,
): DoorSettings {
  const { data, error } = doorEnvironmentSchema.safeParse(environment);
  if (!data) {
    const lines = error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`);
    throw new Error(`Configuration errors:\n${lines.join('\n')}`);
  }
  return {
    user: undefined,
    listen: [String(doorPort)],
    page: pageDirectory,
    requestsLog: '/dev/stdout',
    deliveriesLog: 'deliveries.log.$log_hour',
    authorizer: `127.0.0.1:${authorizerPort}`,
    origins: {
      functions: data.STREAMSYNC_FUNCTIONS_URL,
      live: data.STREAMSYNC_LIVE_URL,
      objects: data.STREAMSYNC_OBJECTS_URL,
      resolvers: [...resolvConf.matchAll(/^nameserver\s+([\d.a-fA-F:]+)/gm)].map(
        ([, address = '']) => address,
      ),
      // Those of Node: images need not have a list of their own.
      authorities: rootCertificates,
    },
    doorSecret: data.STREAMSYNC_DOOR_SECRET,
    environment,
  };
}
