import type { Home, Secrets } from '../home.ts';
import type { Ports } from '../ports.ts';
import type { Owner, Service, ServiceSpec } from '../processes.ts';

/**
 * How long a part may take to answer. One that ends is not waited for, so this is for machines that are slow, or kept
 * busy by others.
 */
export const START_SECONDS = 180;

/** What a part is given to start with. */
export interface StartContext {
  home: Home;
  ports: Ports;
  secrets: Secrets;
  /** The owner of the home, when that is another than who starts the stack. */
  owner: Owner | undefined;
  /** As whom a part with this program runs: undefined, as who starts the stack. */
  runAs(program: string): Promise<Owner | undefined>;
  /** For every part; some add to it. */
  environment: NodeJS.ProcessEnv;
  /** Aborted with the reason when the stack is to stop, or a part died. */
  signal: AbortSignal;
  /** Starts a process the supervisor watches: its unexpected end is the end of the stack. */
  start(spec: Omit<ServiceSpec, 'logs'>): Promise<Service>;
  report(part: string, text: string): void;
}
