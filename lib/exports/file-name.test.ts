import { expect, test } from '@jest/globals';
import { exportRequestSchema } from '../contracts/export-request.ts';
import { fileNameOf, originalFileName } from './file-name.ts';

const id = '01a1fbaa-0d88-7617-8f4b-1187b8f792e7';

function requestWith(fields: object) {
  return exportRequestSchema.parse({
    sources: ['sales'],
    dataset: 'orders',
    format: 'csv',
    ...fields,
  });
}

const berlin = { timeZone: 'Europe/Berlin' };

test.each([
  [{}, 'orders_all'],
  [{ from: '2024-01-01T00:00:00Z', to: '2025-01-01T00:00:00Z' }, 'orders_2024'],
  [{ from: '2023-01-01T00:00:00Z', to: '2025-01-01T00:00:00Z' }, 'orders_2023_to_2024'],
  [{ from: '2024-03-01T00:00:00Z', to: '2024-04-01T00:00:00Z' }, 'orders_2024-03'],
  [{ from: '2024-02-01T00:00:00Z', to: '2024-03-01T00:00:00Z' }, 'orders_2024-02'],
  [{ from: '2024-01-01T00:00:00Z', to: '2024-04-01T00:00:00Z' }, 'orders_2024-01_to_2024-03'],
  [{ from: '2024-03-01T00:00:00Z', to: '2024-03-02T00:00:00Z' }, 'orders_2024-03-01'],
  [{ from: '2024-03-01T00:00:00Z', to: '2024-03-31T00:00:00Z' }, 'orders_2024-03-01_to_2024-03-30'],
  [{ from: '2024-01-01T00:00:00Z' }, 'orders_from_2024'],
  [{ to: '2024-04-01T00:00:00Z' }, 'orders_until_2024-03'],
  [{ to: '2024-04-02T00:00:00Z' }, 'orders_until_2024-04-01'],
  // Midnights differ between zones; the clocks of Berlin change in March.
  [{ from: '2025-02-28T23:00:00Z', to: '2025-03-31T22:00:00Z', ...berlin }, 'orders_2025-03'],
  [
    { from: '2025-02-28T23:00:00Z', to: '2025-03-31T22:00:00Z' },
    'orders_20250228T230000Z_20250331T220000Z',
  ],
  [{ from: '2024-03-01T06:30:00+01:00' }, 'orders_from_20240301T053000Z'],
  [
    { from: '2024-03-01T00:00:00Z', to: '2024-03-01T12:00:00.5Z' },
    'orders_20240301T000000Z_20240301T120000.5Z',
  ],
  [{ from: '2024-03-01T00:00:00.000001Z' }, 'orders_from_20240301T000000.000001Z'],
  [
    { from: '0001-01-01T00:00:00Z', to: '9999-12-31T23:59:59Z' },
    'orders_00010101T000000Z_99991231T235959Z',
  ],
  [{ dataset: 'crm.contacts' }, 'crm.contacts_all'],
  [{ name: 'March invoices' }, 'March_invoices_all'],
  [{ name: ' Gehälter/Gebühr ', from: '2024-03-02T00:00:00Z' }, 'Gehalter_Gebuhr_from_2024-03-02'],
  [{ name: 'отчёт 3月' }, '_3__all'],
  [{ name: 'отчёт' }, 'orders_all'],
  [{ dataset: 'größe "x"/..\\é' }, 'gro_e_x_.._e_all'],
])('the file of %j begins with %s', (fields, beginning) => {
  expect(fileNameOf(requestWith(fields), id, 'csv')).toBe(`${beginning}_b8f792e7.csv`);
});

test.each([
  [{}, 'orders_all_b8f792e7.csv'],
  [{ name: 'March invoices' }, 'March invoices_all_b8f792e7.csv'],
  [{ name: 'отчёт' }, 'отчёт_all_b8f792e7.csv'],
  [{ name: 'Gehälter/März "neu"\u202e' }, 'Gehälter_März _neu__all_b8f792e7.csv'],
])('the original file name of %j is %s', (fields, name) => {
  const request = requestWith(fields);
  expect(originalFileName(fileNameOf(request, id, 'csv'), request)).toBe(name);
});
