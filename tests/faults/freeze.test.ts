import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { call, monthOfOrders } from '../support/api.ts';
import { StartedStack } from '../support/processes.ts';
import { sql } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** A stack of its own whose functions are stopped between invocations, as Lambda does with its processes. */
let home = '';
let running: StartedStack | undefined;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'streamsync-test-freeze-'));
});
afterAll(async () => {
  await running?.stop();
  await rm(home, { recursive: true, force: true });
});

/** Returns the states of the processes of functions, `T` for a stopped one (proc(5)). */
async function statesOfFunctions(stack: StartedStack): Promise<string[]> {
  const { processes } = await stack.stackFile();
  const functions = processes.filter(({ name }) => /^(export-worker|live-fanout)-\d+$/.test(name));
  const stats = functions.map(({ pid }) => readFile(`/proc/${pid}/stat`, 'utf8'));
  return (await Promise.all(stats)).map((stat) => stat.charAt(stat.lastIndexOf(')') + 2));
}

test('exports are ready although the functions are frozen between them, and their connections ended meanwhile', async () => {
  const stack = new StartedStack(home, { STREAMSYNC_FREEZE: 'true' });
  running = stack;
  const { api, postgres, asDemo: headers } = await stack.details();
  // The API had connections, too: until it has noticed that they ended it answers 503, after which a client tries again.
  const exported = async () => {
    const key = randomUUID();
    const id = await waitFor('the export is accepted', async () => {
      const created = await call('POST', `${api}/exports`, {
        headers: { ...headers, 'idempotency-key': key },
        body: monthOfOrders,
      });
      return created.status === 503 ? undefined : created.json(exportDocumentSchema).id;
    });
    return waitFor('the export is ready', async () => {
      const answer = await call('GET', `${api}/exports/${id}`, { headers });
      if (answer.status === 503) return undefined;
      const document = answer.json(exportDocumentSchema);
      if (document.status === 'failed') throw new Error(document.error?.message);
      return document.status === 'ready' ? document : undefined;
    });
  };

  const first = await exported();
  for (let n = 0; n < 2; n++) {
    await waitFor('the functions are frozen', async () => {
      const states = await statesOfFunctions(stack);
      return states.length >= 2 && states.every((state) => state === 'T') ? true : undefined;
    });
    for (const url of [postgres.catalogue, postgres.sources.sales ?? ''])
      await sql(
        url,
        `select pg_terminate_backend(pid) from pg_stat_activity
         where pid <> pg_backend_pid() and backend_type = 'client backend'`,
      );
    const next = await exported();
    expect(next.file?.sha256).toBe(first.file?.sha256);
    expect(next.file?.rows).toBe(first.file?.rows);
  }
});
