import { codeOf, messageOf } from './errors.ts';

/**
 * By errno and SQLSTATE: it cannot be reached or takes nobody, or it answers and could not do it just now
 * (deadlock, lock or statement timeout, a transaction that idled).
 */
const passing =
  /^(E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|AI_AGAIN|NOTFOUND)|(08|40|53|57|58)...|55P03|25P0[34])$/;
/** node-postgres and its pool have no code for these. */
const passingWithoutCode =
  /Connection terminated|[Cc]lient has encountered a connection error|timeout exceeded when trying to connect|timeout expired/;

/** Says whether what failed is a database, so that another try may do; else it would fail alike. */
export const mayPass = (error: unknown): boolean =>
  passing.test(codeOf(error) ?? '') || passingWithoutCode.test(messageOf(error));
