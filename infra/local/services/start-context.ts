import type { Home, Secrets } from '../home/home.ts';
import type { Ports } from '../ports.ts';
import type { Owner, Service, ServiceSpec } from '../processes.ts';

/**
 * How long a service may take to answer. The wait also ends when the service ends, so the limit only has to suit slow
 * or busy machines.
 */
export const startTimeoutSeconds = 180;

/** What the start of a service needs. */
export interface StartContext {
  home: Home;
  ports: Ports;
  secrets: Secrets;
  /** The owner of the home, unless that is the user who starts the stack. */
  owner: Owner | undefined;
  /** Returns the user of a service with this program; undefined: the user who starts the stack. */
  runAs(program: string): Promise<Owner | undefined>;
  /** The common environment of all services. */
  environment: NodeJS.ProcessEnv;
  /** Aborted with the reason when the stack has to stop. */
  signal: AbortSignal;
  /** Starts a process that the supervisor watches: if it ends unexpectedly, the stack stops. */
  start(spec: Omit<ServiceSpec, 'logs'>): Promise<Service>;
  report(service: string, text: string): void;
}
