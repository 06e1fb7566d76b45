import { asAdmin, call, createExport } from './api.ts';
import { type Fault, ruleIdSchema, ruleStateSchema } from './fault-rules.ts';
import { until } from './until.ts';

/** A fault between the functions and S3, from `inject` on. */
export interface Injected {
  /** How many requests it has concerned. */
  hits: () => Promise<number>;
  /** Waits until one is held, or stalls. */
  held: (seconds?: number) => Promise<void>;
  /** Lets go what is held; from now on nothing is held any more. */
  release: () => Promise<void>;
  /** Also lets go what is held; what stalls ends in a broken connection. */
  remove: () => Promise<void>;
}

/** Makes requests of the functions to S3 go wrong, through the proxy the set-up started (s3-proxy.ts). */
export async function inject(fault: Fault): Promise<Injected> {
  const { id } = ruleIdSchema.parse(await control('POST', '', fault));
  const state = async () => ruleStateSchema.parse(await control('GET', `/${id}`));
  return {
    hits: async () => (await state()).hits,
    held: async (seconds = 20) => {
      await until(
        `${fault.operation} is held`,
        async () => ((await state()).held > 0 ? true : undefined),
        { seconds, everyMilliseconds: 20 },
      );
    },
    release: async () => {
      await control('POST', `/${id}/release`);
    },
    remove: async () => {
      await control('DELETE', `/${id}`);
    },
  };
}

/** Removes every fault, whoever injected it. */
export async function clearFaults(): Promise<void> {
  await control('DELETE', '');
}

async function control(method: string, path: string, body?: Fault): Promise<unknown> {
  const address = process.env.STREAMSYNC_TEST_FAULTS;
  if (address === undefined)
    throw new Error(
      'this stack has nothing between the functions and S3 to make faults with: start the tests without a running stack (and without STREAMSYNC_TEST_HOME)',
    );
  const response = await fetch(address + path, {
    method,
    signal: AbortSignal.timeout(30_000),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
  return response.json();
}

/** An export of the source `sales` that has not begun before the fault, which is for it alone, is in place. */
export async function exportMeeting(
  request: object,
  fault: Omit<Fault, 'key'> | ((id: string) => Promise<Omit<Fault, 'key'>>),
): Promise<{ id: string; fault: Injected }> {
  const pause = '/sources/sales/pause';
  await call('POST', pause, { headers: asAdmin, body: { reason: 'a fault is put in place' } });
  try {
    const { id } = await createExport(request);
    const wanted = typeof fault === 'function' ? await fault(id) : fault;
    return { id, fault: await inject({ ...wanted, key: id }) };
  } finally {
    await call('DELETE', pause, { headers: asAdmin });
  }
}
