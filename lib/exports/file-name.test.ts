import { expect, test } from '@jest/globals';
import { exportRequestSchema } from '../contracts/export-request.ts';
import { fileNameOf } from './file-name.ts';

const id = '01a1fbaa-0d88-7617-8f4b-1187b8f792e7';

function requestWith(fields: object) {
  return exportRequestSchema.parse({
    sources: ['sales'],
    dataset: 'orders',
    format: 'csv',
    ...fields,
  });
}

test.each([
  [
    { from: '2024-03-01T00:00:00Z', to: '2024-04-01T00:00:00Z' },
    'orders_2024-03-01_2024-04-01_b8f792e7.csv',
  ],
  [{ from: '2024-03-01T06:30:00+01:00' }, 'orders_20240301T053000Z_end_b8f792e7.csv'],
  [{}, 'orders_start_end_b8f792e7.csv'],
  [{ dataset: 'crm.contacts' }, 'crm.contacts_start_end_b8f792e7.csv'],
  [{ name: 'March invoices' }, 'March_invoices_start_end_b8f792e7.csv'],
  [
    { name: ' Gehälter/Gebühr ', from: '2024-03-01T00:00:00Z' },
    'Gehalter_Gebuhr_2024-03-01_end_b8f792e7.csv',
  ],
  [{ name: 'отчёт 3月' }, '_3__start_end_b8f792e7.csv'],
  [{ name: 'отчёт' }, 'orders_start_end_b8f792e7.csv'],
  [{ dataset: 'größe "x"/..\\é' }, 'gro_e_x_.._e_start_end_b8f792e7.csv'],
])('the file of %j is named %s', (fields, name) => {
  expect(fileNameOf(requestWith(fields), id, 'csv')).toBe(name);
});
