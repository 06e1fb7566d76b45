import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { consume, produce, type Topic } from '../support/events.ts';
import { sourceUrl, sql } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/**
 * The topic of a pipeline, from the producer to PostgreSQL. The stack needs this pipeline: the set-up of the tests names it,
 * another stack is started with STREAMSYNC_PIPELINES=docs/examples/pipelines/weather-station.json.
 */
const topic = 'weather.stations';
const station = `station-${randomUUID()}`;
const sampleFile = 'docs/examples/pipelines/samples/weather-station.json';

let deadLetters: Topic;
beforeAll(async () => {
  deadLetters = await consume(`${topic}.dlq`);
});
afterAll(() => deadLetters.close());

const stored = () =>
  sql<{ series: string; at: Date; value: number; unit: string; attributes: unknown }>(
    sourceUrl('iot'),
    `select readings.series, at, value, unit, readings.attributes
     from readings join series using (series)
     where series like $1 order by series, at`,
    [`${station}.%`],
  );

test('records of a pipeline become readings, and those it refuses become dead letters', async () => {
  const sample = (await readFile(sampleFile, 'utf8')).replace('station-7', station);
  const outOfOrder = sample.replace('-3.4', '"out of order"');
  const hourLater = sample.replace('08:30', '09:30');
  // One partition, so that what comes last is done last.
  await produce(
    topic,
    [sample, outOfOrder, 'no JSON', hourLater].map((value) => ({ value, partition: 0 })),
  );
  const rows = await waitFor('four readings are stored', async () => {
    const found = await stored();
    return found.length >= 4 ? found : undefined;
  });
  const quality = { quality: 'good' };
  const [first, second] = [new Date('2026-01-15T07:30:00Z'), new Date('2026-01-15T08:30:00Z')];
  const pressure = {
    series: `${station}.pressure`,
    value: 884.2,
    unit: 'hPa',
    attributes: quality,
  };
  const temperature = {
    series: `${station}.temperature`,
    value: -3.4,
    unit: '°C',
    attributes: quality,
  };
  expect(rows).toEqual([
    { ...pressure, at: first },
    { ...pressure, at: second },
    { ...temperature, at: first },
    { ...temperature, at: second },
  ]);

  const letters = await waitFor('two dead letters', async () => {
    const found = deadLetters.messages.filter(({ value }) =>
      [outOfOrder, 'no JSON'].includes(String(value)),
    );
    return found.length >= 2 ? found : undefined;
  });
  expect(letters.map(({ headers }) => headers)).toEqual([
    expect.objectContaining({
      topic,
      partition: '0',
      reason:
        'pipeline weather-station: item 0: value: gives the text "out of order", not a number',
    }),
    expect.objectContaining({
      topic,
      reason: expect.stringMatching(/^pipeline weather-station: is not JSON/),
    }),
  ]);
});
