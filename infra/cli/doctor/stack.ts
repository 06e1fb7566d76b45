/** Checks the running stack from outside: its processes, API, sources and object storage. */
import { z } from 'zod';
import { healthSchema } from '../../../lib/contracts/health.ts';
import { config } from '../../../lib/runtime/config.ts';
import { askedBy, askSource } from '../../../lib/sources/question.ts';
import { checkStorage } from '../../../lib/storage/s3.ts';
import type { Home } from '../../local/home/home.ts';
import { isAlive } from '../../local/home/running-stack.ts';
import type { StackFile } from '../../local/home/stack-file.ts';
import { type Check, type DoctorFinding, fail, ok, warn } from './check.ts';

export function stackChecks(home: Home, { url, processes }: StackFile): Check[] {
  return [
    {
      name: 'processes',
      run: async () => [checkProcesses(processes, home)],
      fix: `see ${home.logs}`,
    },
    { name: 'api', run: () => checkApi(url, home), fix: `see ${home.logs}/functions.log` },
    ...[...config().sources.keys()].map((source) => ({
      name: `source ${source}`,
      run: async () => {
        await askSource(source, askedBy(null), (client) => client.query('select 1'));
        return [ok(`source ${source}`, 'answers its read-only role')];
      },
      fix: `exports of this source wait or fail; see ${home.logs}/postgres.log`,
    })),
    {
      name: 'storage',
      run: async () => {
        await checkStorage();
        return [ok('storage', `bucket ${config().s3.bucket} answers`)];
      },
      fix: `downloads answer 503 until the storage answers; see ${home.logs}/localstack.log`,
    },
  ];
}

function checkProcesses(processes: StackFile['processes'], home: Home): DoctorFinding {
  const dead = processes.filter(({ pid }) => !isAlive(pid));
  if (dead.length === 0)
    return ok('processes', processes.map(({ name, pid }) => `${name} ${pid}`).join(', '));
  const names = dead.map(({ name, pid }) => `${name} (${pid})`).join(', ');
  return fail(
    'processes',
    `${dead.length} of ${processes.length} have ended: ${names}`,
    `see their logs in ${home.logs}; stop the stack and start it again`,
  );
}

const problemSchema = z.object({ detail: z.string() });

async function checkApi(url: string, home: Home): Promise<DoctorFinding[]> {
  const startedAt = performance.now();
  const response = await fetch(`${url}/api/v1/health`, { signal: AbortSignal.timeout(4_500) });
  const elapsedMs = Math.round(performance.now() - startedAt);
  const text = await response.text();
  if (response.status === 200) {
    const { parts, problems } = healthSchema.parse(JSON.parse(text));
    if (problems) {
      const messages = problems.map(({ message }) => message).join(' ');
      return [warn('api', `${url} answers, degraded: ${messages}`, 'see the checks "health"')];
    }
    return [ok('api', `${url} is healthy (${Object.keys(parts).join(', ')}), ${elapsedMs} ms`)];
  }
  return [
    fail(
      'api',
      `GET /health answers ${response.status}: ${reasonIn(text)}`,
      `see ${home.logs}/functions.log`,
    ),
  ];
}

function reasonIn(text: string): string {
  try {
    return problemSchema.parse(JSON.parse(text)).detail;
  } catch {
    return text.slice(0, 200);
  }
}
