/** Databases of one's own that `npm start` adds to those of the demo: STREAMSYNC_SOURCES, as a deployment has it. */
import { z } from 'zod';
import { environmentSchema } from '../../lib/runtime/config.ts';
import { newSession } from '../../lib/sources/session.ts';
import { SourceSocket } from '../../lib/sources/source-socket.ts';
import { messageOf, StackError } from './errors.ts';
import { withoutSecrets } from './redact.ts';

const VARIABLE = 'STREAMSYNC_SOURCES';
const settingsSchema = environmentSchema.shape[VARIABLE];

/** Settings by name, as they were written: the functions parse them again. */
const writtenSchema = z.record(z.string(), z.unknown());
export type OwnSources = z.infer<typeof writtenSchema>;

/** The oldest PostgreSQL that is supported, as `server_version_num` has it. */
const OLDEST_SERVER = 140_000;
const PATIENCE_MILLISECONDS = 5_000;

/**
 * Returns what the variable names, nothing where it is not set. Throws a StackError that says what is wrong with it;
 * no value is in the message, as URLs have passwords.
 */
export function readOwnSources(
  text: string | undefined,
  demoSources: readonly string[],
): OwnSources {
  if (text === undefined || text.trim() === '') return {};
  const read = settingsSchema.safeParse(text);
  if (!read.success)
    throw new StackError(
      `${VARIABLE} is not right. It has to be like {"shop": {"url": "postgres://reader:password@host:5432/database"}}`,
      read.error.issues.map(({ path, code, message }) =>
        [
          ...path.map(String),
          code === 'invalid_key'
            ? 'is no name of a source: lower-case letters, digits, _ and -, a letter first'
            : message,
        ].join(': '),
      ),
    );
  const taken = Object.keys(read.data).filter((name) => demoSources.includes(name));
  if (taken.length > 0)
    throw new StackError(
      `${VARIABLE} names ${taken.join(' and ')}, which the demo has itself. Choose another name`,
    );
  return writtenSchema.parse(JSON.parse(text));
}

/** Tells of each whether it answers. One that does not is no end of the stack: it is asked again at every use. */
export async function askOwnSources(
  sources: OwnSources,
  report: (text: string) => void,
): Promise<void> {
  await Promise.all(
    Object.keys(sources).map(async (name) => {
      try {
        report(`${name} answers, ${await askVersion(name)}`);
      } catch (error) {
        const [reason = ''] = withoutSecrets(messageOf(error)).split('\n');
        report(`${name} DOES NOT ANSWER: ${reason.replace(/\p{Cc}/gu, '?').slice(0, 300)}`);
      }
    }),
  );
}

/** Connects as a reader does: what refuses its settings, such as a transaction pooler, refuses exports, too. */
async function askVersion(name: string): Promise<string> {
  const session = {
    name: 'streamsync:start',
    connectMilliseconds: PATIENCE_MILLISECONDS,
    statementMilliseconds: PATIENCE_MILLISECONDS,
    lockMilliseconds: PATIENCE_MILLISECONDS,
    idleInTransactionMilliseconds: PATIENCE_MILLISECONDS,
    idleSessionMilliseconds: PATIENCE_MILLISECONDS,
  };
  const client = newSession(name, session, new SourceSocket());
  client.on('error', () => undefined); // the question fails with it
  try {
    await client.connect();
    const { rows } = await client.query<{ number: number; version: string }>(
      `select current_setting('server_version_num')::int as number, current_setting('server_version') as version`,
    );
    const { number = 0, version = '' } = rows[0] ?? {};
    if (number < OLDEST_SERVER)
      throw new StackError(`PostgreSQL ${version} is older than ${OLDEST_SERVER / 10_000}`);
    return `PostgreSQL ${version}`;
  } finally {
    await client.end().catch(() => undefined);
  }
}
