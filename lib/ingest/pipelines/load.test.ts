import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PipelineFileError, pathsIn, readPipeline, readPipelines, topicsOf } from './load.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'streamsync-pipelines-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

const complete = 'topic: t\nformat: json\nseries: s\nat: t\nvalue: v\n';

/** Returns the faults of a file, without its path. */
function faultsOf(path: string): string[] {
  try {
    readPipeline(path);
  } catch (error) {
    if (error instanceof PipelineFileError)
      return error.message.split('\n').map((line) => line.replace(`${path}:`, ''));
    throw error;
  }
  return [];
}

describe('readPipeline', () => {
  test('reads YAML and JSON alike', () => {
    const fromYaml = readPipeline(file('a.yaml', complete));
    const fromJson = readPipeline(
      file(
        'b.json',
        '{\n\t"topic": "t", "format": "json", "series": "s", "at": "t", "value": "v"\n}',
      ),
    );
    expect(fromJson).toEqual({ ...fromYaml, name: 'b', file: join(directory, 'b.json') });
    expect(fromYaml).toMatchObject({ name: 'a', topic: 't', partitions: 4 });
  });

  test.each([
    ['', ['1: a pipeline is an object with topic, format, series, at, value']],
    ['- topic: t', ['1: a pipeline is an object with topic, format, series, at, value']],
    ['topic: t\nformat: json\n\nat: t\nvalue: v', ['1: series is required']],
    [complete.replace('format: json', 'format: xml'), ['2: format must be json, ndjson, csv']],
    [
      `${complete}names: s\n`,
      [
        '6: names is not a field of a pipeline: those are description, topic, partitions, format, csv, each, filter, series, at, time, value, scale, offset, unit, convert, attributes',
      ],
    ],
    [
      complete.replace('series: s', 'series: foo(s)').replace('value: v', 'value: v['),
      [
        '3: series has the unknown function foo()',
        '5: value is not a JMESPath expression: it ends too early',
      ],
    ],
    [`${complete}time:\n  unit: ns\n  zones: UTC\n`, ['8: time.zones is not a field of time']],
    [
      `${complete}time:\n  zone: Europe/Atlantis\n`,
      ['7: time.zone is no zone of the IANA database, like Europe/Berlin'],
    ],
    [
      `${complete}time:\n  unit: ns\n  format: yyyy-MM-dd\n`,
      ['7: time.unit must not be given together with format'],
    ],
    [`${complete}time: {repeated: later}\n`, ['6: time.repeated needs zone']],
    [`${complete}time:\n  format: dd.MM\n`, ['7: time.format must have the year once: yyyy or yy']],
    [`${complete}scale: 0\n`, ['6: scale must not be 0']],
    [`${complete}scale: "2"\n`, ['6: scale must be a number']],
    [`${complete}offset: .inf\n`, [expect.stringMatching(/^6: offset/)]],
    [
      `${complete}convert: {to: °C}\n`,
      ['6: convert needs from, or unit, an expression for the unit of the record'],
    ],
    [
      `${complete}unit: u\nconvert:\n  from: °F\n  to: °C\n`,
      ['8: convert.from must not be given together with unit, which names the unit of each record'],
    ],
    [`${complete}convert:\n  from: bar\n  to: °C\n`, ['6: convert bar cannot be converted to °C']],
    [
      `${complete}attributes:\n  a: x\n  b: y(\n`,
      ['8: attributes.b is not a JMESPath expression: it ends too early'],
    ],
    [
      complete.replace('topic: t', 'topic: a b'),
      ['1: topic must have 1 to 200 letters, digits, dots, underscores and hyphens'],
    ],
    [
      complete.replace('topic: t', 'topic: t.dlq'),
      ['1: topic must not end with .dlq: that is where dead letters go'],
    ],
    [
      complete.replace('topic: t', 'topic: exports_work'),
      ['1: topic is a topic of StreamSync itself'],
    ],
    [`${complete}partitions: 1.5\n`, ['6: partitions must be an integer']],
    [
      complete.replace('json', 'csv'),
      ['1: csv is required with format csv: header: true, or columns'],
    ],
    [`${complete}csv: {header: true}\n`, ['6: csv needs format: csv']],
    [
      `${complete.replace('json', 'csv')}csv:\n  header: true\n  columns: [a]\n`,
      ['6: csv must have either header: true or columns'],
    ],
    [
      `${complete.replace('json', 'csv')}csv:\n  columns:\n    - a\n    - ""\n`,
      ['9: csv.columns.1 must not be empty'],
    ],
    [
      `${complete.replace('json', 'csv')}csv: {columns: [a, a]}\n`,
      ['6: csv.columns must not have a name twice'],
    ],
    [
      `${complete.replace('json', 'csv')}csv: {columns: [a], delimiter: xx}\n`,
      ['6: csv.delimiter must be one character that is no letter, digit or quotation mark'],
    ],
    ['topic: t\ntopic: u\n', [expect.stringMatching(/^2: is not YAML: Map keys must be unique/)]],
    [
      'topic: t\neach: items(f)[*].{name: [0]}\n',
      [expect.stringMatching(/^2: is not YAML: .*\(an expression that has ": ".*needs quotes\)$/)],
    ],
  ])('names the line and the field in %j', (text, faults) => {
    expect(faultsOf(file('p.yaml', text))).toEqual(faults);
  });

  test('names the lines of JSON too', () => {
    expect(
      faultsOf(
        file('p.json', '{\n  "topic": "t",\n  "format": "xml",\n  "at": "(",\n  "value": "v"\n}'),
      ),
    ).toEqual([
      '1: series is required',
      '3: format must be json, ndjson, csv',
      '4: at is not a JMESPath expression: it ends too early',
    ]);
  });

  test('refuses a file that is missing, or too large, or grows by aliases', () => {
    expect(() => readPipeline(join(directory, 'none.yaml'))).toThrow(
      /none\.yaml: cannot be read: .*ENOENT/,
    );
    expect(() => readPipeline(file('p.yaml', '#'.repeat(70_000)))).toThrow(
      /more than 65,536 bytes/,
    );
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (const [former, name] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg'].map((pair) => pair.split('')))
      bomb.push(`${name}: &${name} [${Array.from({ length: 6 }, () => `*${former}`).join(', ')}]`);
    expect(() => readPipeline(file('p.yaml', bomb.join('\n')))).toThrow(/Excessive alias count/);
  });
});

describe('readPipelines', () => {
  test('reads the files of directories in the order of their names, and leaves out others', () => {
    file('b.yml', complete.replace('topic: t', 'topic: b'));
    file('a.json', '{"topic": "a", "format": "json", "series": "s", "at": "t", "value": "v"}');
    file('notes.txt', 'no pipeline');
    mkdirSync(join(directory, 'samples.yaml'));
    mkdirSync(join(directory, 'more'));
    const other = file('more/c.yaml', complete);
    const pipelines = readPipelines([directory, other]);
    expect(pipelines.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(topicsOf(pipelines)).toEqual([
      { name: 'a', partitions: 4 },
      { name: 'a.dlq', partitions: 1 },
      { name: 'b', partitions: 4 },
      { name: 'b.dlq', partitions: 1 },
      { name: 't', partitions: 4 },
      { name: 't.dlq', partitions: 1 },
    ]);
  });

  test('names the faults of all files, and between them', () => {
    const wrong = file('a.yaml', 'topic: t');
    const first = file('b.yaml', complete.replace('topic: t', 'topic: plant.a'));
    const second = file('c.yaml', complete.replace('topic: t', 'topic: plant_a'));
    mkdirSync(join(directory, 'more'));
    const namesake = file('more/c.yaml', complete);
    const read = () => readPipelines([wrong, first, second, namesake, join(directory, 'none')]);
    expect(read).toThrow(PipelineFileError);
    expect(read).toThrow(/a\.yaml:1: format is required/);
    expect(read).toThrow(/none: cannot be read/);
    expect(read).toThrow(`${second}, ${namesake}: two pipelines have the same name`);
    expect(read).toThrow(`${first}, ${second}: two pipelines have the same topic`);
  });
});

test('pathsIn takes a list with commas', () => {
  expect(pathsIn(' a , b/c.yaml,, ')).toEqual(['a', 'b/c.yaml']);
  expect(pathsIn(undefined)).toEqual([]);
});
