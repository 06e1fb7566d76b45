import { codeOf, messageOf } from './errors.ts';

const errno =
  /^E(CONNREFUSED|CONNRESET|CONNABORTED|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|AI_AGAIN|NOTFOUND)$/;

/** The server ends the connection, or takes no more of them (SQLSTATE). */
const ended = /^(08...|57P0.|53300)$/;

/** node-postgres and its pool have no code for a connection that ends in the middle, or is not had in time. */
const withoutCode =
  /Connection terminated|Client has encountered a connection error|Client was closed|timeout expired|timeout exceeded when trying to connect|Query read timeout/;

/** Whether PostgreSQL, of the catalogue or a source, could not be reached, or went away. */
export function isConnectionLost(error: unknown): boolean {
  const code = codeOf(error) ?? '';
  return errno.test(code) || ended.test(code) || withoutCode.test(messageOf(error));
}
