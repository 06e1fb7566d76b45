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
  'exportRequestSchema accepts for %s exactly what its capabilities permit',
  (format) => {
    const can = capabilitiesOf(format);
    const request = { sources: ['sales'], dataset: 'orders', format };
    const rejectedFields = (more: object): string[] => {
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
    ])('%s %s is accepted: %s', (field, value, accepted) => {
      expect(rejectedFields({ [field]: value })).toEqual(accepted ? [] : [field]);
    });

    test.each([
      ['csv', { csv: { delimiter: ';' } }],
      ['parquetTypes', { parquetTypes: 'portable' }],
    ] as const)('%s', (field, more) => {
      expect(rejectedFields(more)).toEqual(can.ownFields.includes(field) ? [] : [field]);
    });

    test('exportRequestSchema accepts several sources if the format permits them', () => {
      expect(rejectedFields({ sources: ['sales', 'iot'] })).toEqual(
        can.severalSources ? [] : ['sources'],
      );
    });

    test('exportRequestSchema adds the defaults of the format', () => {
      expect(exportRequestSchema.parse(request)).toMatchObject(can.defaults);
    });
  },
);

test('exportRequestSchema removes fields that have their default values', () => {
  const request = { sources: ['sales'], dataset: 'orders' };
  for (const [format, defaults] of [
    ['csv', { csv: {} }],
    ['csv', { csv: plainCsv }],
    ['parquet', { parquetTypes: 'native' }],
  ] as const) {
    const expected = exportRequestSchema.parse({ ...request, format });
    expect(JSON.stringify(exportRequestSchema.parse({ ...request, format, ...defaults }))).toBe(
      JSON.stringify(expected),
    );
  }
});

test('docs/formats.md has the table of capabilities', () => {
  const rows = formats.map((format) => {
    const can = capabilitiesOf(format);
    const spell = (choices: readonly string[], fallback?: string): string =>
      choices
        .map((choice) => (choice === fallback ? `**\`${choice}\`**` : `\`${choice}\``))
        .join(', ');
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
