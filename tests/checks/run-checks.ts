import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/** Why a check cannot run here. */
export interface Skipped {
  skipped: string;
}

export interface Check {
  name: string;
  command: string;
  args: readonly string[];
  /** Installs what the command needs. Returns the reason if that is not possible on this machine. */
  prepare?: () => Promise<Skipped | undefined>;
  /** Returns what is wrong with the output of a command that ended with exit code 0. */
  doubt?: (output: string) => string | undefined;
}

export interface Counts {
  passed: number;
  failed: number;
}

interface Verdict {
  state: 'ok' | 'FAIL' | 'skip';
  seconds: number;
  /** Of a failed check: the reason and the output; of a skipped one: the reason. */
  detail?: string;
}

const checkMinutes = 5;
export const environment = {
  ...process.env,
  PATH: `${join(process.cwd(), 'node_modules', '.bin')}:${process.env.PATH}`,
};

/**
 * Runs the checks in parallel, as many at a time as the machine has cores, and prints a line for each in the order
 * of the list. A check that fails stops no other one. Skipped checks count as neither passed nor failed.
 */
export async function runChecks(
  checks: readonly Check[],
  { atATime = availableParallelism(), print = console.log } = {},
): Promise<Counts> {
  const verdicts = checks.map(() => Promise.withResolvers<Verdict>());
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let n = next++; n < checks.length; n = next++) {
      const check = checks[n];
      if (check) verdicts[n]?.resolve(await runCheck(check));
    }
  };
  const workers = Promise.all(Array.from({ length: atATime }, worker));
  const counts: Counts = { passed: 0, failed: 0 };
  for (const [n, { promise }] of verdicts.entries()) {
    const { state, seconds, detail } = await promise;
    const reason = state === 'skip' ? `: ${detail}` : '';
    print(`${state.padEnd(4)} ${checks[n]?.name} (${seconds.toFixed(1)} s)${reason}`);
    if (state === 'FAIL') print(detail);
    if (state === 'ok') counts.passed++;
    if (state === 'FAIL') counts.failed++;
  }
  await workers;
  return counts;
}

async function runCheck({ command, args, prepare, doubt }: Check): Promise<Verdict> {
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1_000;
  try {
    const skipped = await prepare?.();
    if (skipped) return { state: 'skip', seconds: seconds(), detail: skipped.skipped };
    const { code, output } = await outputOf(command, args);
    const wrong = code === 0 ? doubt?.(output) : `exit code ${code}`;
    return wrong === undefined
      ? { state: 'ok', seconds: seconds() }
      : { state: 'FAIL', seconds: seconds(), detail: `${wrong}\n${output}` };
  } catch (error) {
    return { state: 'FAIL', seconds: seconds(), detail: String(error) };
  }
}

async function outputOf(
  command: string,
  args: readonly string[],
): Promise<{ code: number; output: string }> {
  const chunks: string[] = [];
  const child = spawn(command, args, { env: environment });
  // Not the timeout of spawn: where the program is missing, its timer would keep the process for these minutes.
  const deadline = setTimeout(() => child.kill(), checkMinutes * 60_000);
  child.stdout.on('data', (chunk) => chunks.push(String(chunk)));
  child.stderr.on('data', (chunk) => chunks.push(String(chunk)));
  try {
    return { code: await exitOf(child), output: chunks.join('') };
  } finally {
    clearTimeout(deadline);
  }
}

/** Returns the exit code, 1 for a process that a signal has ended. Throws if the process could not be started. */
export const exitOf = (child: ReturnType<typeof spawn>): Promise<number> =>
  new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
