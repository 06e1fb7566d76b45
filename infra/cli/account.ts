/**
 * npm run account -- create|list|disable|enable|password …: manages the accounts of a catalogue without the API, such as
 * the first administrator. The catalogue is that of STREAMSYNC_CATALOGUE_URL, or of the stack that runs in the home.
 */
import { parseArgs } from 'node:util';
import pg from 'pg';
import {
  changeAccount,
  createAccount,
  listAccounts,
  newInitialPassword,
  resetPassword,
} from '../../lib/access/manage-accounts.ts';
import { hashPassword } from '../../lib/access/passwords.ts';
import { withRequestAudit } from '../../lib/audit/request-audit.ts';
import { type AccountDocument, newAccountSchema } from '../../lib/contracts/accounts.ts';
import type { AuditAction } from '../../lib/contracts/audit.ts';
import { numericBigints, type Queryable, transactionOf } from '../../lib/runtime/catalogue.ts';
import { AppError, errorMessage } from '../../lib/runtime/errors.ts';
import { parseObject } from '../../lib/runtime/validation.ts';
import { openHome } from '../local/home/home.ts';
import { applyStackEnvironment, findRunningStack } from '../local/home/running-stack.ts';
import { redactSecrets } from '../local/redact.ts';

const usage = `usage: npm run account -- create <email> [--role admin|analyst] [--may-request-by-event]
       npm run account -- list
       npm run account -- disable|enable <email>
       npm run account -- password <email>   creates a new one and ends the sessions

The catalogue is that of STREAMSYNC_CATALOGUE_URL, or of the stack that runs in STREAMSYNC_HOME (.local).`;

class UsageError extends Error {}

/** Returns the URL of the catalogue. Throws `UsageError` without one. */
function catalogueUrl(): string {
  const { STREAMSYNC_CATALOGUE_URL: set } = process.env;
  if (set) return set;
  const home = openHome(process.env);
  const stack = findRunningStack(home);
  if (!stack)
    throw new UsageError(
      `No stack runs in ${home.path}. Start it, or set STREAMSYNC_CATALOGUE_URL to the catalogue.`,
    );
  applyStackEnvironment(home, stack);
  return process.env.STREAMSYNC_CATALOGUE_URL ?? '';
}

interface Command {
  name: string;
  email: string;
  role: string;
  mayRequestByEvent: boolean;
}

function readCommand(): Command {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse();
  } catch (error) {
    throw new UsageError(`${errorMessage(error)}\n${usage}`);
  }
  const { positionals, values } = parsed;
  const [name = '', email = '', ...more] = positionals;
  const isComplete = name === 'list' ? email === '' : email !== '';
  if (!isComplete || more.length > 0) throw new UsageError(usage);
  return {
    name,
    email,
    role: values.role ?? 'analyst',
    mayRequestByEvent: values['may-request-by-event'] ?? false,
  };
}

const parse = () =>
  parseArgs({
    allowPositionals: true,
    options: { role: { type: 'string' }, 'may-request-by-event': { type: 'boolean' } },
  });

async function run(pool: pg.Pool, command: Command): Promise<void> {
  const { name, email } = command;
  /** The change and its entry in the audit are one transaction. */
  const change = <T>(action: AuditAction, work: (client: Queryable) => Promise<T>): Promise<T> =>
    withRequestAudit(
      { actor: 'command', action, target: email, address: null, details: {}, recorded: false },
      () => transactionOf(pool, work),
    );
  switch (name) {
    case 'create': {
      const { role, mayRequestByEvent } = command;
      const account = parseObject(newAccountSchema, { email, role, mayRequestByEvent });
      const password = newInitialPassword();
      const passwordHash = await hashPassword(password);
      await change('account.create', (client) =>
        createAccount(client, { ...account, passwordHash }),
      );
      console.log(`Created ${email} (${account.role}). Its password, shown only here: ${password}`);
      return;
    }
    case 'password': {
      const password = newInitialPassword();
      const passwordHash = await hashPassword(password);
      await change('password.change', (client) => resetPassword(client, email, passwordHash));
      console.log(
        `The sessions of ${email} have ended. Its password, shown only here: ${password}`,
      );
      return;
    }
    case 'disable':
    case 'enable': {
      const disabled = name === 'disable';
      await change('account.change', (client) => changeAccount(client, email, { disabled }));
      console.log(`${email} is ${disabled ? 'disabled' : 'enabled'}.`);
      return;
    }
    case 'list':
      for await (const account of allAccounts(pool)) console.log(describe(account));
      return;
    default:
      throw new UsageError(usage);
  }
}

async function* allAccounts(client: Queryable): AsyncGenerator<AccountDocument> {
  let cursor: string | undefined;
  do {
    const { items, nextCursor } = await listAccounts(client, {
      limit: 200,
      ...(cursor === undefined ? {} : { cursor }),
    });
    yield* items;
    cursor = nextCursor ?? undefined;
  } while (cursor !== undefined);
}

const describe = ({ email, role, disabled, mayRequestByEvent }: AccountDocument): string =>
  [role, email, disabled && 'disabled', mayRequestByEvent && 'may request by event']
    .filter(Boolean)
    .join('  ');

let pool: pg.Pool | undefined;
try {
  const command = readCommand();
  pool = new pg.Pool({
    connectionString: catalogueUrl(),
    max: 1,
    connectionTimeoutMillis: 10_000,
    statement_timeout: 15_000,
    types: numericBigints,
  });
  await run(pool, command);
} catch (error) {
  const isExpected = error instanceof AppError || error instanceof UsageError;
  console.error(redactSecrets(isExpected ? error.message : `Failed: ${errorMessage(error)}`));
  process.exitCode = error instanceof UsageError ? 2 : 1;
} finally {
  await pool?.end();
}
