import { appendFile, mkdtemp, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { completeLines, DeliveryLogs } from './delivery-logs.ts';

let directory = '';
let sent: string[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'streamsync-logs-'));
  sent = [];
});
afterEach(() => rm(directory, { recursive: true }));

const log = (suffix = ''): string => join(directory, `deliveries.log${suffix}`);
const opened = () =>
  DeliveryLogs.open(directory, async (lines) => {
    sent.push(...lines.map(String));
  });

test('each complete line is sent once, also by the next process', async () => {
  await appendFile(log(), 'a\nb\nhalf');
  const logs = await opened();
  await logs.shipNew();
  await logs.shipNew();
  expect(sent).toEqual(['a', 'b']);
  await appendFile(log(), ' done\nc\n');
  await (await opened()).shipNew();
  expect(sent).toEqual(['a', 'b', 'half done', 'c']);
});

test('lines that could not be sent are sent later', async () => {
  await appendFile(log(), 'a\n');
  const failing = await DeliveryLogs.open(directory, async () => {
    throw new Error('Kafka does not answer');
  });
  await expect(failing.shipNew()).rejects.toThrow('Kafka does not answer');
  await (await opened()).shipNew();
  expect(sent).toEqual(['a']);
});

test('a rotated log is sent to its end, whatever is written to it late, then deleted', async () => {
  await appendFile(log(), 'a\n');
  const logs = await opened();
  await logs.shipNew();
  await rename(log(), log('.1'));
  await appendFile(log('.1'), 'b\n');
  await appendFile(log(), 'c\n');
  await logs.shipNew();
  await appendFile(log('.1'), 'late\n');
  await logs.shipNew();
  expect(sent).toEqual(['a', 'b', 'c', 'late']);
  await utimes(log('.1'), 0, 0);
  await logs.shipNew();
  expect(await readdir(directory)).toEqual(['deliveries.log', 'deliveries.positions.json']);
});

test('an incomplete last line of a rotated log is sent when nothing follows it', async () => {
  await appendFile(log('.1'), 'a\nhalf');
  const logs = await opened();
  await logs.shipNew();
  expect([sent, await readdir(directory)]).toEqual([
    ['a'],
    expect.arrayContaining(['deliveries.log.1']),
  ]);
  await utimes(log('.1'), 0, 0);
  await logs.shipNew();
  expect([sent, await readdir(directory)]).toEqual([['a', 'half'], ['deliveries.positions.json']]);
});

test('a rotated log of which something could not be sent is kept', async () => {
  await appendFile(log('.1'), 'a\n');
  await utimes(log('.1'), 0, 0);
  const failing = await DeliveryLogs.open(directory, async () => {
    throw new Error('Kafka does not answer');
  });
  await expect(failing.shipNew()).rejects.toThrow('Kafka does not answer');
  expect(await readdir(directory)).toContain('deliveries.log.1');
});

test('a log that is larger than a chunk is sent in several requests', async () => {
  const lines = Array.from({ length: 5_000 }, (_, n) => `${n} ${'x'.repeat(100)}`);
  await writeFile(log(), `${lines.join('\n')}\n`);
  await (await opened()).shipNew();
  expect(sent).toEqual(lines);
});

test('without readable positions, and for a log that became shorter, sending starts at the beginning', async () => {
  await appendFile(log(), 'a\nb\n');
  await (await opened()).shipNew();
  await writeFile(join(directory, 'deliveries.positions.json'), '{');
  await (await opened()).shipNew();
  expect(sent).toEqual(['a', 'b', 'a', 'b']);
  await writeFile(log(), 'c\n');
  await (await opened()).shipNew();
  expect(sent.at(-1)).toBe('c');
});

test('an endless line is cut, and what follows it is sent', () => {
  const endless = Buffer.alloc(100_000, 'x');
  expect(completeLines(endless)).toMatchObject({ bytes: 100_000, lines: [{ length: 65_536 }] });
  expect(completeLines(endless.subarray(0, 1_000))).toEqual({ bytes: 0, lines: [] });
  const { lines, bytes } = completeLines(Buffer.from('a\n\nb\nc'));
  expect([lines.map(String), bytes]).toEqual([['a', 'b'], 5]);
});
