import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { exportRequestSchema } from './export-request.ts';
import {
  capabilitiesOf,
  compressions,
  consistencies,
  formats,
  plainCsv,
  profiles,
} from './format-capabilities.ts';

describe.each(formats)(
  'the contract takes of %s what the table says, and nothing else',
  (format) => {
    const can = capabilitiesOf(format);
    const request = { sources: ['sales'], dataset: 'orders', format };
    const refusedFields = (more: object): string[] => {
      const read = exportRequestSchema.safeParse({ ...request, ...more });
      return read.success ? [] : read.error.issues.map(({ path }) => path.join('.'));
    };

    test.each([
      ...compressions.map(
        (value) => ['compression', value, can.compressions.includes(value)] as const,
      ),
      ...profiles.map((value) => ['profile', value, can.profiles.includes(value)] as const),
      ...consistencies.map(
        (value) => ['consistency', value, can.consistencies.includes(value)] as const,
      ),
    ])('%s %s: %s', (field, value, taken) => {
      expect(refusedFields({ [field]: value })).toEqual(taken ? [] : [field]);
    });

    test.each([
      ['csv', { csv: { delimiter: ';' } }],
      ['parquetTypes', { parquetTypes: 'portable' }],
    ] as const)('%s', (field, more) => {
      expect(refusedFields(more)).toEqual(can.ownFields.includes(field) ? [] : [field]);
    });

    test('several sources', () => {
      expect(refusedFields({ sources: ['sales', 'iot'] })).toEqual(
        can.severalSources ? [] : ['sources'],
      );
    });

    test('the defaults', () => {
      expect(exportRequestSchema.parse(request)).toMatchObject(can.defaults);
    });
  },
);

test('what is usual is the same whether it is said or left out', () => {
  const request = { sources: ['sales'], dataset: 'orders' };
  for (const [format, usual] of [
    ['csv', { csv: {} }],
    ['csv', { csv: plainCsv }],
    ['parquet', { parquetTypes: 'native' }],
  ] as const) {
    const left = exportRequestSchema.parse({ ...request, format });
    expect(JSON.stringify(exportRequestSchema.parse({ ...request, format, ...usual }))).toBe(
      JSON.stringify(left),
    );
  }
});

test('docs/formats.md has the table as it is', () => {
  const rows = formats.map((format) => {
    const can = capabilitiesOf(format);
    const spell = (choices: readonly string[], usual?: string): string =>
      choices.map((it) => (it === usual ? `**\`${it}\`**` : `\`${it}\``)).join(', ');
    const cells = [
      `\`${format}\``,
      spell(can.compressions, can.defaults.compression),
      spell(can.profiles, can.defaults.profile),
      spell(can.consistencies),
      can.severalSources ? 'yes' : 'no',
      spell(can.ownFields),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const documented = readFileSync('docs/formats.md', 'utf8');
  expect(rows.filter((row) => !documented.includes(row))).toEqual([]);
});
