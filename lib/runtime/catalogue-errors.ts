import { errorCode, errorMessage } from './errors.ts';

/**
 * errno and SQLSTATE of a database that cannot be reached or accepts no connections, or that could not execute the
 * statement now (deadlock, lock or statement timeout, idle transaction).
 */
const transientCodes =
  /^(E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|AI_AGAIN|NOTFOUND)|(08|40|53|57|58)...|55P03|25P0[34])$/;
/** Errors of node-postgres and its pool that have no code. */
const transientMessages =
  /Connection terminated|[Cc]lient has encountered a connection error|timeout exceeded when trying to connect|timeout expired/;

/** Returns whether the error comes from the state of a database, so that a retry may succeed. */
export const isTransient = (error: unknown): boolean =>
  transientCodes.test(errorCode(error) ?? '') || transientMessages.test(errorMessage(error));
