/**
 * npm run pipeline -- try <file> <sample>: shows the readings that a pipeline makes of a sample record, or why it refuses
 * it. npm run pipeline -- check [<file or directory> …]: checks pipelines, by default those of STREAMSYNC_PIPELINES.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { defaultTimeRules, textOf } from '../../lib/ingest/decode-record.ts';
import { decoderOf } from '../../lib/ingest/pipelines/decode.ts';
import {
  PipelineFileError,
  pathsIn,
  readPipeline,
  readPipelines,
} from '../../lib/ingest/pipelines/load.ts';
import type { Reading } from '../../lib/ingest/reading.ts';
import { timeBounds } from '../../lib/ingest/reading-time.ts';
import { RejectedRecordError } from '../../lib/ingest/rejected-record.ts';
import { errorMessage } from '../../lib/runtime/errors.ts';

const usage = `usage:
  npm run pipeline -- try <file> <sample> [--key <text>] [--header <name=value> …]
  npm run pipeline -- check [<file or directory> …]

A sample is a file with one record; - reads it from the standard input.`;

class UsageError extends Error {}

/** Makes paths relative to where the user called npm, which runs its scripts in the clone. */
const goToCaller = (): void => process.chdir(process.env.INIT_CWD ?? '.');

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { key: { type: 'string' }, header: { type: 'string', multiple: true } },
    });
  } catch (error) {
    throw new UsageError(errorMessage(error));
  }
}

/** Returns the exit code: 1 if a file or the sample is wrong. */
function run(): number {
  const { positionals, values } = readArguments();
  const [command, ...paths] = positionals;
  const [file, sample, ...more] = paths;
  if (command === 'check') return check(paths);
  if (command === 'try' && file !== undefined && sample !== undefined && more.length === 0)
    return tryOn(file, sample, values);
  throw new UsageError(
    command === undefined ? 'what to do?' : `what to do with ${positionals.join(' ')}?`,
  );
}

function check(paths: readonly string[]): number {
  const configured = pathsIn(process.env.STREAMSYNC_PIPELINES);
  if (paths.length > 0) goToCaller();
  const pipelines = readPipelines(paths.length > 0 ? paths : configured);
  for (const { name, topic, format } of pipelines)
    console.log(`ok  ${name}: topic ${topic}, ${format}`);
  if (pipelines.length === 0) console.log('There are no pipelines to check.');
  return 0;
}

interface SampleValues {
  key?: string | undefined;
  header?: string[] | undefined;
}

function tryOn(file: string, sample: string, { key, header = [] }: SampleValues): number {
  goToCaller();
  const pipeline = readPipeline(file);
  const record = {
    topic: pipeline.topic,
    text: textOf(readSample(sample)),
    key: key === undefined ? null : Buffer.from(key),
    headers: header.map(headerOf),
  };
  const bounds = timeBounds(Date.now(), defaultTimeRules);
  const { readings, leftOut } = decoderOf(pipeline)(record, bounds);
  if (readings.length > 0) console.log(`${table(readings)}\n`);
  console.log(
    `${count(readings.length, 'reading')}${leftOut > 0 ? `, ${leftOut} left out by the filter` : ''}`,
  );
  return 0;
}

function readSample(sample: string): Buffer {
  try {
    return readFileSync(sample === '-' ? 0 : sample);
  } catch (error) {
    throw new UsageError(`${sample} cannot be read: ${errorMessage(error)}`);
  }
}

function headerOf(text: string): { key: string; value: Buffer } {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`--header ${text}: it needs a name and a value, name=value`);
  return { key: text.slice(0, at), value: Buffer.from(text.slice(at + 1)) };
}

const count = (number: number, what: string): string =>
  `${number} ${what}${number === 1 ? '' : 's'}`;

const titles = ['series', 'at', 'value', 'unit', 'attributes'];

function table(readings: readonly Reading[]): string {
  const rows = [
    titles,
    ...readings.map(({ series, atMicros, value, unit = '', attributes }) => [
      series,
      instantText(atMicros),
      String(value),
      unit,
      attributes === undefined ? '' : JSON.stringify(attributes),
    ]),
  ];
  const widths = titles.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Returns an instant in RFC 3339 with six digits of a second, or none if they are zeros. */
function instantText(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = micros - seconds * 1_000_000;
  const text = new Date(seconds * 1_000).toISOString().slice(0, 19);
  return `${text}${fraction === 0 ? '' : `.${String(fraction).padStart(6, '0')}`}Z`;
}

try {
  process.exitCode = run();
} catch (error) {
  process.exitCode = 1;
  if (error instanceof UsageError) {
    console.error(`${error.message}\n\n${usage}`);
    process.exitCode = 2;
  } else if (error instanceof RejectedRecordError) {
    console.error(`The sample would be a dead letter: ${error.message}`);
  } else if (error instanceof PipelineFileError) {
    console.error(error.message);
  } else throw error;
}
