import { expect, test } from '@jest/globals';
import type { KafkaMessage } from 'kafkajs';
import type { KafkaEvent } from './event.ts';
import type { Instance, InvocationResult } from './instance.ts';
import type { MappingSettings } from './mapping-settings.ts';
import { PartitionProcessor } from './partition-processor.ts';
import { noDestinations, testMapping } from './testing/settings.ts';

const quiet = { info() {}, notice() {}, warning() {}, error() {} };

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

/** Returns a processor whose invocations end when the test calls `end`; `calls` has its calls in order. */
function processorOf(settings: Partial<MappingSettings>) {
  const calls: string[] = [];
  let settle: ((result: InvocationResult) => void) | undefined;
  let alive = true;
  let acquired = 0;
  const instance: Instance = {
    name: 'f-0',
    pid: 1,
    startedAt: 0,
    get alive() {
      return alive;
    },
    loaded: Promise.resolve(true),
    ended: Promise.resolve(),
    invoke: (event: KafkaEvent) => {
      const records = event.records['t-0'] ?? [];
      calls.push(`invoke ${records[0]?.offset}..${records.at(-1)?.offset}`);
      return new Promise((resolve) => {
        settle = resolve;
      });
    },
    kill: (reason) => settle?.({ done: false, reason }),
  };
  const control = {
    pause: () => calls.push('pause'),
    resume: (_partition: number, offset?: bigint) => calls.push(`resume ${offset}`),
    commit: async (_partition: number, offset: bigint) => {
      calls.push(`commit ${offset}`);
    },
  };
  const mapping = testMapping(settings);
  const acquire = (): Instance => {
    acquired++;
    alive = true;
    return instance;
  };
  const instances = { acquire, release: () => calls.push('release') };
  const processor = new PartitionProcessor(mapping, 0, instances, control, noDestinations, quiet);
  return {
    processor,
    calls,
    end: (result: InvocationResult) => settle?.(result),
    /** Ends the process and with it the invocation. */
    die: (result: InvocationResult) => {
      alive = false;
      settle?.(result);
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
  const { processor, calls, end } = processorOf({ batchSize: 2, windowMs: 60_000 });
  // Offset 7 is a transaction marker: the commit skips it.
  processor.accept(messages(5, 6), 8n);
  await waitForCalls(calls, 2);
  expect(processor.busy).toBe(true);
  end({ done: true });
  await waitForCalls(calls, 5);
  expect(calls).toEqual(['pause', 'invoke 5..6', 'commit 8', 'release', 'resume 8']);
  expect(processor.busy).toBe(false);
});

test('records that do not fill a batch wait for the window', async () => {
  const { processor, calls } = processorOf({ batchSize: 100, windowMs: 50 });
  processor.accept(messages(0, 0), 1n);
  expect(calls).toEqual([]);
  processor.accept(messages(1, 2), 3n);
  await waitForCalls(calls, 2);
  expect(calls[1]).toBe('invoke 0..2');
});

test('records that do not fill a batch are fetched again from the committed offset', async () => {
  const { processor, calls, end } = processorOf({ batchSize: 2, windowMs: 60_000 });
  processor.accept(messages(0, 4), 5n);
  await waitForCalls(calls, 2);
  end({ done: true });
  await waitForCalls(calls, 4);
  end({ done: true });
  await waitForCalls(calls, 7);
  expect(calls.slice(1)).toEqual([
    'invoke 0..1',
    'commit 2',
    'invoke 2..3',
    'commit 4',
    'release',
    'resume 4',
  ]);
});

test('a batch that fails is invoked again', async () => {
  const { processor, calls, end } = processorOf({ batchSize: 2, windowMs: 60_000 });
  processor.accept(messages(0, 1), 2n);
  await waitForCalls(calls, 2);
  end({ done: false, reason: 'thrown' });
  await waitForCalls(calls, 3);
  expect(calls[2]).toBe('invoke 0..1');
  end({ done: true });
  await waitForCalls(calls, 6);
  expect(calls[3]).toBe('commit 2');
});

test.each([
  ['was killed is replaced at once, before the next attempt needs it', false, 2],
  ['could not load its handler is not replaced before the next attempt', true, 1],
] as const)('a process that %s', async (_, unloaded, acquiredAtOnce) => {
  const { processor, calls, die, acquired } = processorOf({ batchSize: 2, windowMs: 60_000 });
  processor.accept(messages(0, 1), 2n);
  await waitForCalls(calls, 2);
  die({ done: false, reason: 'gone', ...(unloaded && { unloaded }) });
  await new Promise((resolve) => setImmediate(resolve));
  expect(acquired()).toBe(acquiredAtOnce);
  await waitForCalls(calls, 3);
  expect(calls[2]).toBe('invoke 0..1');
  expect(acquired()).toBe(2);
  await processor.abort('test ended');
});

test('abort commits nothing and resumes the partition at the committed offset', async () => {
  const { processor, calls } = processorOf({ batchSize: 2, windowMs: 60_000 });
  processor.accept(messages(0, 1), 2n);
  await waitForCalls(calls, 2);
  await processor.abort('revoked');
  expect(calls).toEqual(['pause', 'invoke 0..1', 'release', 'resume undefined']);
});

test('finish commits the batch in progress and starts no other', async () => {
  const { processor, calls, end } = processorOf({ batchSize: 1, windowMs: 60_000 });
  processor.accept(messages(0, 3), 4n);
  await waitForCalls(calls, 2);
  const finished = processor.finish();
  end({ done: true });
  await finished;
  expect(calls).toEqual(['pause', 'invoke 0..0', 'commit 1', 'release', 'resume 1']);
});

test('reset returns the offset of the first record that it drops', () => {
  const { processor, calls } = processorOf({ batchSize: 100, windowMs: 60_000 });
  expect(processor.reset()).toBeUndefined();
  processor.accept(messages(7, 9), 10n);
  expect(processor.reset()).toBe(7n);
  expect(calls).toEqual([]);
});

test('a record over 32 MB is skipped, and the records around it are invoked', async () => {
  const { processor, calls, end } = processorOf({ batchSize: 2, windowMs: 60_000 });
  const all = messages(5, 7).map((message) =>
    message.offset === '6' ? { ...message, value: Buffer.alloc(33 * 1024 * 1024) } : message,
  );
  processor.accept(all, 8n);
  await waitForCalls(calls, 2);
  end({ done: true });
  await waitForCalls(calls, 5);
  expect(calls).toEqual(['pause', 'invoke 5..7', 'commit 8', 'release', 'resume 8']);
});

test('a fetch with only a record over 32 MB is committed, so that it is not decompressed again', async () => {
  const { processor, calls } = processorOf({ batchSize: 2, windowMs: 60_000 });
  const [only] = messages(5, 5);
  if (only === undefined) throw new Error('no message');
  processor.accept([{ ...only, value: Buffer.alloc(33 * 1024 * 1024) }], 6n);
  await waitForCalls(calls, 3);
  expect(calls).toEqual(['pause', 'commit 6', 'resume 6']);
});
