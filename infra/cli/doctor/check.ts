/** Runs checks and prints their findings. */
import { errorMessage } from '../../../lib/runtime/errors.ts';
import { withTimeout } from '../../../lib/runtime/timeout.ts';
import { redactSecrets } from '../../local/redact.ts';

export interface DoctorFinding {
  status: 'ok' | 'warn' | 'FAIL';
  name: string;
  detail: string;
  /** What to do about it; absent if the status is ok. */
  fix?: string;
}

export interface Check {
  name: string;
  run: () => Promise<DoctorFinding[]>;
  /** What to do if the check itself fails or times out. */
  fix: string;
}

const timeoutSeconds = 5;
const nameWidth = 27;

export const ok = (name: string, detail: string): DoctorFinding => ({ status: 'ok', name, detail });
export function warn(name: string, detail: string, fix: string): DoctorFinding {
  return {
    status: 'warn',
    name,
    detail,
    fix,
  };
}
export function fail(name: string, detail: string, fix: string): DoctorFinding {
  return {
    status: 'FAIL',
    name,
    detail,
    fix,
  };
}

/** Runs all checks in parallel, each with a timeout of 5 s; prints their findings in the order of the checks. */
export async function runChecks(checks: readonly Check[]): Promise<DoctorFinding[]> {
  const findings: DoctorFinding[] = [];
  for (const pending of checks.map(runCheck)) {
    const checkFindings = await pending;
    for (const finding of checkFindings) print(finding);
    findings.push(...checkFindings);
  }
  return findings;
}

/** Never throws: an error or a timeout is a finding. */
async function runCheck({ name, run, fix }: Check): Promise<DoctorFinding[]> {
  try {
    const message = `no answer within ${timeoutSeconds} s`;
    return await withTimeout(run(), timeoutSeconds * 1000, message);
  } catch (error) {
    return [fail(name, reasonOf(error), fix)];
  }
}

/** Errors of fetch have their reason in the cause; kafkajs repeats the message there. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const texts =
    cause === undefined ? [errorMessage(error)] : [errorMessage(error), errorMessage(cause)];
  return [...new Set(texts)].join(': ').replaceAll(/\s+/g, ' ').trim();
}

function print({ status, name, detail, fix }: DoctorFinding): void {
  console.log(redactSecrets(`${status.padEnd(4)} ${name.padEnd(nameWidth)} ${detail}`));
  if (fix !== undefined) console.log(redactSecrets(`       ${fix}`));
}

/** "1 message", "2 messages" */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
