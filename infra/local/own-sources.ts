/** The user's own databases, which `npm start` adds to the demo's: STREAMSYNC_SOURCES, as in a deployment. */
import { z } from 'zod';
import { environmentSchema } from '../../lib/runtime/config.ts';
import { errorMessage } from '../../lib/runtime/errors.ts';
import { ReusedBufferSocket } from '../../lib/sources/copy/reused-buffer-socket.ts';
import { newSession } from '../../lib/sources/session.ts';
import { StackError } from './errors.ts';
import { redactSecrets } from './redact.ts';

const variableName = 'STREAMSYNC_SOURCES';
const settingsSchema = environmentSchema.shape[variableName];

/** Settings by source name, unparsed: the functions parse them again. */
const writtenSchema = z.record(z.string(), z.unknown());
export type OwnSources = z.infer<typeof writtenSchema>;

/** The oldest supported PostgreSQL, 14, in the form of `server_version_num`. */
const minServerVersion = 140_000;
const timeoutMs = 5_000;

/**
 * Returns the sources of the variable, none if it is not set. Throws a StackError that names what is wrong with it but
 * repeats no value: URLs contain passwords.
 */
export function readOwnSources(
  text: string | undefined,
  demoSources: readonly string[],
): OwnSources {
  if (text === undefined || text.trim() === '') return {};
  const parsed = settingsSchema.safeParse(text);
  if (!parsed.success)
    throw new StackError(
      `${variableName} has errors. Its form is {"shop": {"url": "postgres://reader:password@host:5432/database"}}`,
      parsed.error.issues.map(({ path, code, message }) =>
        [
          ...path.map(String),
          code === 'invalid_key'
            ? 'is not a source name: use lower-case letters, digits, _ and -, and begin with a letter'
            : message,
        ].join(': '),
      ),
    );
  const conflicting = Object.keys(parsed.data).filter((name) => demoSources.includes(name));
  if (conflicting.length > 0)
    throw new StackError(
      `${variableName} names ${conflicting.join(' and ')}, which the demo uses. Choose another name`,
    );
  return writtenSchema.parse(JSON.parse(text));
}

/** Reports for each source whether it answers. The start goes on if one does not: every use connects again. */
export async function checkOwnSources(
  sources: OwnSources,
  report: (text: string) => void,
): Promise<void> {
  await Promise.all(
    Object.keys(sources).map(async (name) => {
      try {
        report(`${name} answers, ${await queryVersion(name)}`);
      } catch (error) {
        const [reason = ''] = redactSecrets(errorMessage(error)).split('\n');
        report(`${name} DOES NOT ANSWER: ${reason.replace(/\p{Cc}/gu, '?').slice(0, 300)}`);
      }
    }),
  );
}

/** Connects like a reader: a server that rejects its settings, such as a transaction pooler, would reject exports, too. */
async function queryVersion(name: string): Promise<string> {
  const session = {
    name: 'streamsync:start',
    connectMs: timeoutMs,
    statementMs: timeoutMs,
    lockMs: timeoutMs,
    idleInTransactionMs: timeoutMs,
    idleSessionMs: timeoutMs,
  };
  const client = newSession(name, session, new ReusedBufferSocket());
  client.on('error', () => undefined); // the query below fails with it
  try {
    await client.connect();
    const { rows } = await client.query<{ number: number; version: string }>(
      `select current_setting('server_version_num')::int as number, current_setting('server_version') as version`,
    );
    const { number = 0, version = '' } = rows[0] ?? {};
    if (number < minServerVersion)
      throw new StackError(`PostgreSQL ${version} is older than ${minServerVersion / 10_000}`);
    return `PostgreSQL ${version}`;
  } finally {
    await client.end().catch(() => undefined);
  }
}
