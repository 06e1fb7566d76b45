/** Renders the configuration of NGINX from the templates in this directory: for one machine, and for containers. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sizes } from '../../lib/contracts/sizes.ts';
import { renderTemplates } from '../local/template.ts';
import { readLimits } from './limits.ts';
import { authoritiesFile, type Origins, originsConf } from './origins.ts';
import { problemsConf } from './problems.ts';

const templatesDirectory = import.meta.dirname;

/** Of each connection of a client: see nginx.conf.template. */
const sendBuffer = '128k';

export interface DoorSettings {
  /** The user and group of the workers. Undefined unless root starts NGINX. */
  user: string | undefined;
  /** Addresses and ports to listen on, as NGINX writes them. */
  listen: readonly string[];
  /** The directory of the page. */
  page: string;
  /** Files of the two access logs. */
  requestsLog: string;
  deliveriesLog: string;
  /** Address and port of the authorizer. */
  authorizer: string;
  origins: Origins;
  doorSecret: string;
  /** Has the limits: docs/operations.md. */
  environment: NodeJS.ProcessEnv;
}

/** Returns the files of the configuration by their names. Throws if a limit is no positive integer. */
export function renderDoor(settings: DoorSettings): Map<string, string> {
  const { user, listen, origins, environment, ...values } = settings;
  const names = readdirSync(templatesDirectory).filter((name) => name.endsWith('.template'));
  const rendered = renderTemplates(
    names.map((name) => readFileSync(join(templatesDirectory, name), 'utf8')),
    {
      ...values,
      user: user === undefined ? '' : `user ${user};`,
      listen: listen.map((address) => `listen ${address} sndbuf=${sendBuffer};`).join(' '),
      requestBytes: sizes.requestBytes,
      signInBytes: sizes.signInBytes,
      ...readLimits(environment),
    },
  );
  return new Map([
    ...names.map((name, n) => [name.replace(/\.template$/, ''), rendered[n] ?? ''] as const),
    ['problems.conf', problemsConf()],
    ['origins.conf', originsConf(origins)],
    ...(origins.authorities.length > 0
      ? [[authoritiesFile, `${origins.authorities.join('\n')}\n`] as const]
      : []),
  ]);
}
