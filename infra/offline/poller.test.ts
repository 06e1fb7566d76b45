import { expect, test } from '@jest/globals';
import type { KafkaMessage } from 'kafkajs';
import type { KafkaEvent } from './event.ts';
import type { Instance, InvocationResult } from './instance.ts';
import type { MappingSettings } from './mapping-settings.ts';
import { Poller } from './poller.ts';
import { noDestinations, testMapping } from './testing/settings.ts';

const quiet = { info() {}, notice() {}, warning() {}, error() {} };
const noStart = (): undefined => undefined;

function messages(first: number, last: number): KafkaMessage[] {
  return Array.from({ length: last - first + 1 }, (_, index) => ({
    key: null,
    value: null,
    timestamp: '0',
    attributes: 0,
    offset: String(first + index),
    headers: {},
  }));
}

/** Returns the records of an event like `0:5..6 1:9..9`. */
const contents = ({ records }: KafkaEvent): string =>
  Object.values(records)
    .map((of) => `${of[0]?.partition}:${of[0]?.offset}..${of.at(-1)?.offset}`)
    .join(' ');

/**
 * Returns a poller whose invocations end when the test calls `end`, the first one that runs; `calls` has its calls in
 * order.
 */
function pollerOf(settings: Partial<MappingSettings>) {
  const calls: string[] = [];
  const running: { instance: Instance; settle: (result: InvocationResult) => void }[] = [];
  let acquired = 0;
  let isAlive = true;
  const acquire = (): Instance => {
    acquired++;
    isAlive = true;
    const instance: Instance = {
      name: 'f-0',
      pid: 1,
      startedAt: 0,
      get alive() {
        return isAlive;
      },
      loaded: Promise.resolve(true),
      ended: Promise.resolve(),
      invoke: (event) => {
        calls.push(`invoke ${contents(event)}`);
        return new Promise((settle) => {
          running.push({ instance, settle });
        });
      },
      kill: (reason) =>
        running.find((each) => each.instance === instance)?.settle({ done: false, reason }),
    };
    return instance;
  };
  const control = {
    pause: (partition: number) => calls.push(`pause ${partition}`),
    resume: (partition: number, offset?: bigint) => calls.push(`resume ${partition}@${offset}`),
    commit: async (offsets: ReadonlyMap<number, bigint>) => {
      calls.push(`commit ${[...offsets].map((each) => each.join('@')).join(' ')}`);
    },
  };
  const instances = { acquire, release: () => calls.push('release') };
  const poller = new Poller(testMapping(settings), instances, control, noDestinations, quiet);
  const end = (result: InvocationResult) => running.shift()?.settle(result);
  return {
    poller,
    calls,
    end,
    /** Ends the process and with it the invocation. */
    die: (result: InvocationResult) => {
      isAlive = false;
      end(result);
    },
    acquired: () => acquired,
  };
}

/** Waits until `count` calls were recorded. */
async function waitForCalls(calls: readonly string[], count: number): Promise<void> {
  const deadline = Date.now() + 5000;
  while (calls.length < count && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(calls).toHaveLength(count);
}

test('a full batch is invoked and committed, then the partition is resumed', async () => {
  const { poller, calls, end } = pollerOf({ batchSize: 2, windowMs: 60_000 });
  // Offset 7 is a transaction marker: the commit skips it.
  poller.accept(0, messages(5, 6), 8n);
  await waitForCalls(calls, 2);
  expect(poller.isBusy(0)).toBe(true);
  end({ done: true });
  await waitForCalls(calls, 5);
  expect(calls).toEqual(['pause 0', 'invoke 0:5..6', 'commit 0@8', 'release', 'resume 0@8']);
  expect(poller.isBusy(0)).toBe(false);
});

test('records that do not fill a batch wait for the window', async () => {
  const { poller, calls } = pollerOf({ batchSize: 100, windowMs: 50 });
  poller.accept(0, messages(0, 0), 1n);
  expect(calls).toEqual([]);
  poller.accept(0, messages(1, 2), 3n);
  await waitForCalls(calls, 2);
  expect(calls[1]).toBe('invoke 0:0..2');
});

test('records that do not fill a batch are fetched again from the committed offset', async () => {
  const { poller, calls, end } = pollerOf({ batchSize: 2, windowMs: 60_000 });
  poller.accept(0, messages(0, 4), 5n);
  await waitForCalls(calls, 2);
  end({ done: true });
  await waitForCalls(calls, 6);
  end({ done: true });
  await waitForCalls(calls, 9);
  expect(calls.slice(1)).toEqual([
    'invoke 0:0..1',
    'commit 0@2',
    'release',
    'pause 0',
    'invoke 0:2..3',
    'commit 0@4',
    'release',
    'resume 0@4',
  ]);
});

test('a batch has records of several partitions, and each is committed', async () => {
  const { poller, calls, end } = pollerOf({ batchSize: 4, windowMs: 60_000 });
  poller.accept(1, messages(7, 8), 9n);
  poller.accept(0, messages(3, 3), 4n);
  expect(calls).toEqual([]);
  poller.accept(2, messages(0, 5), 6n);
  await waitForCalls(calls, 4);
  expect(calls).toEqual(['pause 1', 'pause 0', 'pause 2', 'invoke 1:7..8 0:3..3 2:0..0']);
  end({ done: true });
  await waitForCalls(calls, 10);
  // What is left of partition 2 fills another batch.
  expect(calls.slice(4)).toEqual([
    'commit 1@9 0@4 2@1',
    'release',
    'pause 2',
    'resume 1@9',
    'resume 0@4',
    'invoke 2:1..4',
  ]);
  end({ done: true });
  await waitForCalls(calls, 13);
  expect(calls.slice(10)).toEqual(['commit 2@5', 'release', 'resume 2@5']);
});

test('at the end of the window of one partition, the records of all are invoked', async () => {
  const { poller, calls } = pollerOf({ batchSize: 100, windowMs: 200 });
  // What has waited longest comes first, whatever was known first.
  poller.accept(0, [], 5n);
  poller.accept(1, messages(0, 0), 1n);
  await new Promise((resolve) => setTimeout(resolve, 50));
  poller.accept(0, messages(5, 6), 7n);
  await waitForCalls(calls, 3);
  expect(calls[2]).toBe('invoke 1:0..0 0:5..6');
});

test('a partition does not wait for the batch of another', async () => {
  const { poller, calls, end } = pollerOf({ batchSize: 2, windowMs: 60_000 });
  poller.accept(0, messages(0, 1), 2n);
  poller.accept(1, messages(5, 6), 7n);
  await waitForCalls(calls, 4);
  expect(calls).toEqual(['pause 0', 'pause 1', 'invoke 0:0..1', 'invoke 1:5..6']);
  end({ done: true });
  await waitForCalls(calls, 7);
  expect(calls.slice(4)).toEqual(['commit 0@2', 'release', 'resume 0@2']);
  expect([poller.isBusy(0), poller.isBusy(1)]).toEqual([false, true]);
});

test('a partition for whose records a batch has no room goes on waiting', async () => {
  const { poller, calls, end } = pollerOf({ batchSize: 2, windowMs: 60_000 });
  poller.accept(0, messages(0, 3), 4n);
  poller.accept(1, messages(5, 5), 6n);
  await waitForCalls(calls, 2);
  end({ done: true });
  await waitForCalls(calls, 6);
  expect(calls.slice(2)).toEqual(['commit 0@2', 'release', 'pause 0', 'invoke 0:2..3']);
  expect(poller.isBusy(1)).toBe(false);
  await poller.abort('test ended');
  poller.onJoin(new Set(), noStart);
});

test('a batch that fails is invoked again', async () => {
  const { poller, calls, end } = pollerOf({ batchSize: 2, windowMs: 60_000 });
  poller.accept(0, messages(0, 1), 2n);
  await waitForCalls(calls, 2);
  end({ done: false, reason: 'thrown' });
  await waitForCalls(calls, 3);
  expect(calls[2]).toBe('invoke 0:0..1');
  end({ done: true });
  await waitForCalls(calls, 6);
  expect(calls[3]).toBe('commit 0@2');
});

test('a batch of two partitions of which one has a failure is invoked again with both', async () => {
  const { poller, calls, end } = pollerOf({ batchSize: 2, windowMs: 60_000 });
  poller.accept(0, messages(0, 0), 1n);
  poller.accept(1, messages(5, 5), 6n);
  await waitForCalls(calls, 3);
  end({ done: false, reason: 'thrown' });
  await waitForCalls(calls, 4);
  expect(calls.slice(2)).toEqual(['invoke 0:0..0 1:5..5', 'invoke 0:0..0 1:5..5']);
  await poller.abort('test ended');
});

test('what is reported of two partitions is invoked again before anything is committed', async () => {
  const { poller, calls, end } = pollerOf({
    batchSize: 4,
    windowMs: 60_000,
    reportsFailures: true,
  });
  poller.accept(0, messages(5, 6), 7n);
  poller.accept(1, messages(6, 7), 8n);
  await waitForCalls(calls, 3);
  const failures = [
    { itemIdentifier: { partition: 't-0', offset: 6 } },
    { itemIdentifier: { partition: 't-1', offset: 7 } },
  ];
  end({ done: true, response: { batchItemFailures: failures } });
  await waitForCalls(calls, 4);
  expect(calls.slice(2)).toEqual(['invoke 0:5..6 1:6..7', 'invoke 0:6..6 1:7..7']);
  end({ done: true });
  await waitForCalls(calls, 8);
  expect(calls[4]).toBe('commit 0@7 1@8');
});

test('bisecting keeps the order of each partition', async () => {
  const { poller, calls, end } = pollerOf({ batchSize: 5, windowMs: 60_000, bisects: true });
  poller.accept(0, messages(0, 1), 2n);
  poller.accept(1, messages(5, 7), 8n);
  await waitForCalls(calls, 3);
  end({ done: false, reason: 'thrown' });
  await waitForCalls(calls, 4);
  end({ done: true });
  await waitForCalls(calls, 5);
  end({ done: true });
  await waitForCalls(calls, 9);
  expect(calls.slice(2, 6)).toEqual([
    'invoke 0:0..1 1:5..7',
    'invoke 0:0..1 1:5..5',
    'invoke 1:6..7',
    'commit 0@2 1@8',
  ]);
});

test.each([
  ['was killed is replaced at once, before the next attempt needs it', false, 2],
  ['could not load its handler is not replaced before the next attempt', true, 1],
] as const)('a process that %s', async (_, unloaded, acquiredAtOnce) => {
  const { poller, calls, die, acquired } = pollerOf({ batchSize: 2, windowMs: 60_000 });
  poller.accept(0, messages(0, 1), 2n);
  await waitForCalls(calls, 2);
  die({ done: false, reason: 'gone', ...(unloaded && { unloaded }) });
  await new Promise((resolve) => setImmediate(resolve));
  expect(acquired()).toBe(acquiredAtOnce);
  await waitForCalls(calls, 3);
  expect(calls[2]).toBe('invoke 0:0..1');
  expect(acquired()).toBe(2);
  await poller.abort('test ended');
});

test('abort commits nothing and resumes the partition at the committed offset', async () => {
  const { poller, calls } = pollerOf({ batchSize: 2, windowMs: 60_000 });
  poller.accept(0, messages(0, 1), 2n);
  await waitForCalls(calls, 2);
  await poller.abort('revoked');
  expect(calls).toEqual(['pause 0', 'invoke 0:0..1', 'release', 'resume 0@undefined']);
});

test('if one partition of a batch goes to another member, the other one is fetched again from its first record', async () => {
  const { poller, calls } = pollerOf({ batchSize: 2, windowMs: 60_000 });
  poller.accept(0, messages(3, 3), 4n);
  poller.accept(1, messages(5, 5), 6n);
  await waitForCalls(calls, 3);
  poller.onJoin(new Set([1]), noStart);
  await waitForCalls(calls, 7);
  expect(calls.slice(2)).toEqual([
    'invoke 0:3..3 1:5..5',
    'pause 1',
    'release',
    // Another member may have committed more of partition 0 by the time it returns.
    'resume 0@undefined',
    'resume 1@5',
  ]);
});

test('finish commits the batch in progress and starts no other', async () => {
  const { poller, calls, end } = pollerOf({ batchSize: 1, windowMs: 60_000 });
  poller.accept(0, messages(0, 3), 4n);
  await waitForCalls(calls, 2);
  const finished = poller.finish();
  poller.accept(1, messages(0, 3), 4n);
  end({ done: true });
  await finished;
  expect(calls).toEqual(['pause 0', 'invoke 0:0..0', 'commit 0@1', 'release', 'resume 0@1']);
});

test('after a join, gathered records are fetched again, and other partitions begin where they should', () => {
  const { poller, calls } = pollerOf({ batchSize: 100, windowMs: 60_000 });
  poller.accept(0, messages(7, 9), 10n);
  poller.accept(1, messages(3, 3), 4n);
  poller.onJoin(new Set([0, 2]), (partition) => BigInt(partition) * 10n);
  expect(calls).toEqual(['resume 0@7', 'resume 2@20']);
});

test('a record over 32 MB is skipped, and the records around it are invoked', async () => {
  const { poller, calls, end } = pollerOf({ batchSize: 2, windowMs: 60_000 });
  const all = messages(5, 7).map((message) =>
    message.offset === '6' ? { ...message, value: Buffer.alloc(33 * 1024 * 1024) } : message,
  );
  poller.accept(0, all, 8n);
  await waitForCalls(calls, 2);
  end({ done: true });
  await waitForCalls(calls, 5);
  expect(calls).toEqual(['pause 0', 'invoke 0:5..7', 'commit 0@8', 'release', 'resume 0@8']);
});

test('a fetch with only a record over 32 MB is committed, so that it is not decompressed again', async () => {
  const { poller, calls } = pollerOf({ batchSize: 2, windowMs: 60_000 });
  const [only] = messages(5, 5);
  if (only === undefined) throw new Error('no message');
  poller.accept(0, [{ ...only, value: Buffer.alloc(33 * 1024 * 1024) }], 6n);
  await waitForCalls(calls, 3);
  expect(calls).toEqual(['pause 0', 'commit 0@6', 'resume 0@6']);
});
