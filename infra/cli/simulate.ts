/** npm run simulate: sends readings of simulated sensors to the topic `readings` of a stack. */
import { disconnectProducers } from '../../lib/messaging/kafka.ts';
import { logger } from '../../lib/runtime/logger.ts';
import { settledWithin } from '../../lib/runtime/timeout.ts';
import { openHome } from '../local/home/home.ts';
import {
  applyStackEnvironment,
  findRunningStack,
  startCommand,
} from '../local/home/running-stack.ts';
import { OptionError, parseOptions, type SimulationOptions, usage } from './simulate/options.ts';
import { runSimulation } from './simulate/run-simulation.ts';

const disconnectMs = 2_000;

/** Returns the options. Prints what is wrong and ends the process if there is something. */
function readOptions(): SimulationOptions {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    console.error(`${error.message}\n${usage}`);
    process.exit(2);
  }
}

/** A process of the stack has the configuration in its environment; otherwise it is that of the running stack. */
function applyEnvironment(): void {
  if (process.env.STREAMSYNC_KAFKA_BROKERS !== undefined) return;
  const home = openHome(process.env);
  const stack = findRunningStack(home);
  if (stack === undefined) {
    console.error(`No stack is running in ${home.path}. Start it: ${startCommand(home)}`);
    process.exit(1);
  }
  applyStackEnvironment(home, stack);
}

const options = readOptions();
applyEnvironment();
// The lines of the command say when Kafka does not answer.
logger.setLogLevel('SILENT');
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => stopping.abort(new Error(signal)));
// A reader that closes the pipe (| head) ends the command.
process.stdout.on('error', () => stopping.abort(new Error('the output is closed')));
await runSimulation(options, stopping.signal, (line) => console.log(line));
await settledWithin(disconnectProducers(), disconnectMs);
process.exit(0);
