/** What a check is, and how checks are run and shown. */
import { messageOf } from '../../../lib/runtime/errors.ts';
import { withoutSecrets } from '../redact.ts';

export interface Finding {
  status: 'ok' | 'warn' | 'FAIL';
  name: string;
  detail: string;
  /** What to do about it; nothing when it is ok. */
  todo?: string;
}

export interface Check {
  name: string;
  look: () => Promise<Finding[]>;
  /** What to do when looking itself fails: nobody answers. */
  todo: string;
}

const DEADLINE_SECONDS = 5;
const NAME_WIDTH = 27;

export const ok = (name: string, detail: string): Finding => ({ status: 'ok', name, detail });
export const warn = (name: string, detail: string, todo: string): Finding => ({
  status: 'warn',
  name,
  detail,
  todo,
});
export const fail = (name: string, detail: string, todo: string): Finding => ({
  status: 'FAIL',
  name,
  detail,
  todo,
});

/** All at once, each with its deadline; shown in the order given. */
export async function runChecks(checks: readonly Check[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const running of checks.map(inTime)) {
    const found = await running;
    for (const finding of found) show(finding);
    findings.push(...found);
  }
  return findings;
}

/** Never throws: a check that fails or takes too long is a finding. */
async function inTime({ name, look, todo }: Check): Promise<Finding[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding[]>((done) => {
    timer = setTimeout(
      () => done([fail(name, `no answer within ${DEADLINE_SECONDS} s`, todo)]),
      DEADLINE_SECONDS * 1000,
    );
  });
  const looking = look().catch((error: unknown) => [fail(name, reasonOf(error), todo)]);
  try {
    return await Promise.race([looking, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** fetch says only that it failed, and keeps why as the cause; kafkajs says the same twice. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const texts = cause === undefined ? [messageOf(error)] : [messageOf(error), messageOf(cause)];
  return [...new Set(texts)].join(': ').replaceAll(/\s+/g, ' ').trim();
}

function show({ status, name, detail, todo }: Finding): void {
  console.log(withoutSecrets(`${status.padEnd(4)} ${name.padEnd(NAME_WIDTH)} ${detail}`));
  if (todo !== undefined) console.log(withoutSecrets(`       ${todo}`));
}

/** "1 message", "2 messages" */
export const count = (number: number, what: string): string =>
  `${number} ${what}${number === 1 ? '' : 's'}`;
