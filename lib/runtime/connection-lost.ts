import { errorCode, errorMessage } from './errors.ts';

const errno =
  /^E(CONNREFUSED|CONNRESET|CONNABORTED|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|AI_AGAIN|NOTFOUND)$/;

/** SQLSTATE of a server that ends the connection or accepts no more. */
const ended = /^(08...|57P0.|53300)$/;

/** Errors of node-postgres and its pool, without a code, for a connection that ends or does not open in time. */
const withoutCode =
  /Connection terminated|Client has encountered a connection error|Client was closed|timeout expired|timeout exceeded when trying to connect|Query read timeout/;

/** Returns whether PostgreSQL, of the catalogue or a source, could not be reached or closed the connection. */
export function isConnectionLost(error: unknown): boolean {
  const code = errorCode(error) ?? '';
  return errno.test(code) || ended.test(code) || withoutCode.test(errorMessage(error));
}
