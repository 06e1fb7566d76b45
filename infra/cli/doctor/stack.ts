/** The running stack from outside: its processes, its API, its sources, its object storage. */
import { z } from 'zod';
import { healthSchema } from '../../../lib/contracts/health.ts';
import { config } from '../../../lib/runtime/config.ts';
import { askedBy, askSource } from '../../../lib/sources/question.ts';
import { checkStorage } from '../../../lib/storage/s3.ts';
import { isAlive, type RunningStack } from '../found-stack.ts';
import type { Home } from '../home.ts';
import { type Check, type Finding, fail, ok, warn } from './check.ts';

export function stackChecks(home: Home, { url, processes }: RunningStack): Check[] {
  return [
    {
      name: 'processes',
      look: async () => [lookAtProcesses(processes, home)],
      todo: `see ${home.logs}`,
    },
    { name: 'api', look: () => askApi(url, home), todo: `see ${home.logs}/functions.log` },
    ...[...config().sources.keys()].map((source) => ({
      name: `source ${source}`,
      look: async () => {
        await askSource(source, askedBy(null), (client) => client.query('select 1'));
        return [ok(`source ${source}`, 'answers its read-only role')];
      },
      todo: `exports of it wait or fail; see ${home.logs}/postgres.log`,
    })),
    {
      name: 'storage',
      look: async () => {
        await checkStorage();
        return [ok('storage', `bucket ${config().s3.bucket} answers`)];
      },
      todo: `downloads answer 503 until it is back; see ${home.logs}/localstack.log`,
    },
  ];
}

function lookAtProcesses(processes: RunningStack['processes'], home: Home): Finding {
  const dead = processes.filter(({ pid }) => !isAlive(pid));
  if (dead.length === 0)
    return ok('processes', processes.map(({ name, pid }) => `${name} ${pid}`).join(', '));
  const names = dead.map(({ name, pid }) => `${name} (${pid})`).join(', ');
  return fail(
    'processes',
    `gone, of ${processes.length}: ${names}`,
    `see their logs in ${home.logs}; stop the stack and start it again`,
  );
}

const problemSchema = z.object({ detail: z.string() });

async function askApi(url: string, home: Home): Promise<Finding[]> {
  const began = performance.now();
  const response = await fetch(`${url}/api/v1/health`, { signal: AbortSignal.timeout(4_500) });
  const milliseconds = Math.round(performance.now() - began);
  const text = await response.text();
  if (response.status === 200) {
    const { parts, problems } = healthSchema.parse(JSON.parse(text));
    if (problems) {
      const told = problems.map(({ message }) => message).join(' ');
      return [
        warn('api', `${url} answers, degraded: ${told}`, 'the checks of health say what to do'),
      ];
    }
    return [ok('api', `${url} is well (${Object.keys(parts).join(', ')}), ${milliseconds} ms`)];
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
