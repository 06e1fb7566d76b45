import { expect, test } from '@jest/globals';
import type { KafkaMessage } from 'kafkajs';
import type { MskEvent } from './event.ts';
import type { Instance, Outcome } from './instance.ts';
import { Lane } from './lane.ts';

const quiet = { info() {}, notice() {}, warning() {}, error() {} };

const messages = (first: number, last: number): KafkaMessage[] =>
  Array.from({ length: last - first + 1 }, (_, index) => ({
    key: null,
    value: null,
    timestamp: '0',
    attributes: 0,
    offset: String(first + index),
    headers: {},
  }));

/** A lane whose invocations end when the test says so; `calls` is what happened, in order. */
const laneOf = (settings: { batchSize: number; windowMs: number }) => {
  const calls: string[] = [];
  let settle: ((outcome: Outcome) => void) | undefined;
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
    invoke: (event: MskEvent) => {
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
  const mapping = {
    functionKey: 'f',
    eventSourceArn: '',
    bootstrapServers: '',
    topic: 't',
    groupId: 'g',
    fromBeginning: true,
    ...settings,
  };
  const acquire = (): Instance => {
    acquired++;
    alive = true;
    return instance;
  };
  const instances = { acquire, release: () => calls.push('release') };
  const lane = new Lane(mapping, 0, instances, control, quiet);
  return {
    lane,
    calls,
    end: (outcome: Outcome) => settle?.(outcome),
    /** Its process ends, and with it the invocation. */
    die: (outcome: Outcome) => {
      alive = false;
      settle?.(outcome);
    },
    acquired: () => acquired,
  };
};

/** Waits until that many calls were made. */
const made = async (calls: readonly string[], count: number): Promise<void> => {
  const deadline = Date.now() + 5000;
  while (calls.length < count && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(calls).toHaveLength(count);
};

test('a full batch is invoked, committed, and the partition resumed after it', async () => {
  const { lane, calls, end } = laneOf({ batchSize: 2, windowMs: 60_000 });
  // Offset 7 is a transaction marker, which is committed past.
  lane.take(messages(5, 6), 8n);
  await made(calls, 2);
  expect(lane.busy).toBe(true);
  end({ done: true });
  await made(calls, 5);
  expect(calls).toEqual(['pause', 'invoke 5..6', 'commit 8', 'release', 'resume 8']);
  expect(lane.busy).toBe(false);
});

test('fewer records wait for the window', async () => {
  const { lane, calls } = laneOf({ batchSize: 100, windowMs: 50 });
  lane.take(messages(0, 0), 1n);
  expect(calls).toEqual([]);
  lane.take(messages(1, 2), 3n);
  await made(calls, 2);
  expect(calls[1]).toBe('invoke 0..2');
});

test('records that make no full batch are left to be fetched again, never skipped by a seek', async () => {
  const { lane, calls, end } = laneOf({ batchSize: 2, windowMs: 60_000 });
  lane.take(messages(0, 4), 5n);
  await made(calls, 2);
  end({ done: true });
  await made(calls, 4);
  end({ done: true });
  await made(calls, 7);
  expect(calls.slice(1)).toEqual([
    'invoke 0..1',
    'commit 2',
    'invoke 2..3',
    'commit 4',
    'release',
    'resume 4',
  ]);
});

test('a failure invokes the same batch again', async () => {
  const { lane, calls, end } = laneOf({ batchSize: 2, windowMs: 60_000 });
  lane.take(messages(0, 1), 2n);
  await made(calls, 2);
  end({ done: false, reason: 'thrown' });
  await made(calls, 3);
  expect(calls[2]).toBe('invoke 0..1');
  end({ done: true });
  await made(calls, 6);
  expect(calls[3]).toBe('commit 2');
});

test.each([
  [
    'was killed is replaced at once, so that the next has loaded by the time it is needed',
    false,
    2,
  ],
  ['could not load its handler is not replaced before the next try', true, 1],
] as const)('a process that %s', async (_, unloaded, acquiredAtOnce) => {
  const { lane, calls, die, acquired } = laneOf({ batchSize: 2, windowMs: 60_000 });
  lane.take(messages(0, 1), 2n);
  await made(calls, 2);
  die({ done: false, reason: 'gone', ...(unloaded && { unloaded }) });
  await new Promise((resolve) => setImmediate(resolve));
  expect(acquired()).toBe(acquiredAtOnce);
  await made(calls, 3);
  expect(calls[2]).toBe('invoke 0..1');
  expect(acquired()).toBe(2);
  await lane.abort('test over');
});

test('given up, nothing is committed, and the consumer goes on from the committed offset', async () => {
  const { lane, calls } = laneOf({ batchSize: 2, windowMs: 60_000 });
  lane.take(messages(0, 1), 2n);
  await made(calls, 2);
  await lane.abort('revoked');
  expect(calls).toEqual(['pause', 'invoke 0..1', 'release', 'resume undefined']);
});

test('finishing takes no further batch on', async () => {
  const { lane, calls, end } = laneOf({ batchSize: 1, windowMs: 60_000 });
  lane.take(messages(0, 3), 4n);
  await made(calls, 2);
  const finished = lane.finish();
  end({ done: true });
  await finished;
  expect(calls).toEqual(['pause', 'invoke 0..0', 'commit 1', 'release', 'resume 1']);
});

test('a reset says from where the records it drops are to be fetched', () => {
  const { lane, calls } = laneOf({ batchSize: 100, windowMs: 60_000 });
  expect(lane.reset()).toBeUndefined();
  lane.take(messages(7, 9), 10n);
  expect(lane.reset()).toBe(7n);
  expect(calls).toEqual([]);
});

test('a record that no event could carry is passed over, and those around it are invoked', async () => {
  const { lane, calls, end } = laneOf({ batchSize: 2, windowMs: 60_000 });
  const all = messages(5, 7).map((message) =>
    message.offset === '6' ? { ...message, value: Buffer.alloc(33 * 1024 * 1024) } : message,
  );
  lane.take(all, 8n);
  await made(calls, 2);
  end({ done: true });
  await made(calls, 5);
  expect(calls).toEqual(['pause', 'invoke 5..7', 'commit 8', 'release', 'resume 8']);
});

test('with nothing but such a record it is committed, so that it is not unpacked again', async () => {
  const { lane, calls } = laneOf({ batchSize: 2, windowMs: 60_000 });
  const [only] = messages(5, 5);
  if (only === undefined) throw new Error('no message');
  lane.take([{ ...only, value: Buffer.alloc(33 * 1024 * 1024) }], 6n);
  await made(calls, 3);
  expect(calls).toEqual(['pause', 'commit 6', 'resume 6']);
});
