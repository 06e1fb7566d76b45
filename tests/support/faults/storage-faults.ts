import { asAdmin, call, createExport } from '../api.ts';
import { waitFor } from '../wait-for.ts';
import { workerStack } from '../worker-stack.ts';
import { type Fault, ruleIdSchema, ruleStateSchema } from './fault-rules.ts';

/** A fault between the functions and S3, active from `inject` on. */
export interface Injected {
  /** Returns the number of requests that the fault applied to. */
  hits: () => Promise<number>;
  /** Waits until a request is held or stalls. */
  held: (seconds?: number) => Promise<void>;
  /** Releases the held requests; later requests are not held. */
  release: () => Promise<void>;
  /** Removes the fault and releases its held requests. Stalled requests end with a broken connection. */
  remove: () => Promise<void>;
}

/** Makes requests of the functions to S3 fail, through the proxy that the set-up started (s3-proxy.ts). */
export async function inject(fault: Fault): Promise<Injected> {
  const { id } = ruleIdSchema.parse(await control('POST', '', fault));
  const state = async () => ruleStateSchema.parse(await control('GET', `/${id}`));
  return {
    hits: async () => (await state()).hits,
    held: async (seconds = 20) => {
      await waitFor(
        `${fault.operation} is held`,
        async () => ((await state()).held > 0 ? true : undefined),
        { seconds, everyMs: 20 },
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

/** Removes all faults. */
export async function clearFaults(): Promise<void> {
  await control('DELETE', '');
}

async function control(method: string, path: string, body?: Fault): Promise<unknown> {
  const address = workerStack().faults;
  if (address === undefined)
    throw new Error(
      'this stack has no fault proxy between the functions and S3; run the tests without a running stack and without STREAMSYNC_TEST_HOME',
    );
  const response = await fetch(address + path, {
    method,
    signal: AbortSignal.timeout(30_000),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
  return response.json();
}

/** Creates an export of the source `sales` that starts after a fault for this export alone is in place. */
export async function exportMeeting(
  request: object,
  fault: Omit<Fault, 'key'> | ((id: string) => Promise<Omit<Fault, 'key'>>),
): Promise<{ id: string; fault: Injected }> {
  const pause = '/sources/sales/pause';
  await call('POST', pause, { headers: asAdmin, body: { reason: 'a test prepares a fault' } });
  try {
    const { id } = await createExport(request);
    const injected = typeof fault === 'function' ? await fault(id) : fault;
    return { id, fault: await inject({ ...injected, key: id }) };
  } finally {
    await call('DELETE', pause, { headers: asAdmin });
  }
}
