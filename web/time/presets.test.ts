import { expect, test } from '@jest/globals';
import { presets } from './presets.ts';

const berlin = 'Europe/Berlin';
/** 1 December 2026, 00:30 in Berlin: still November in UTC. */
const now = Date.parse('2026-11-30T23:30:00Z');

const found = (latest: string | null, earliest: string | null = '2024-01-01T00:00:00Z') =>
  Object.fromEntries(
    presets({ earliest, latest }, berlin, now).map(({ label, range }) => [
      label,
      `${range.from.date} ${range.to.date}`,
    ]),
  );

test('presets follow the clock of the zone if the data reaches today, or its end is not known', () => {
  const current = {
    Today: '2026-12-01 2026-12-01',
    Yesterday: '2026-11-30 2026-11-30',
    'This month': '2026-12-01 2026-12-31',
    'Last full month': '2026-11-01 2026-11-30',
  };
  expect(found('2026-11-30T23:10:00Z')).toEqual({
    ...current,
    'Last 7 days of data': '2026-11-25 2026-12-01',
    'Whole range': '2024-01-01 2026-12-01',
  });
  expect(found(null, null)).toEqual({ ...current, 'Last 7 days': '2026-11-25 2026-12-01' });
});

test('presets follow the end of the data if it is before today, and say so', () => {
  expect(found('2026-11-30T22:59:59Z')).toEqual({
    'Last day of data': '2026-11-30 2026-11-30',
    'Last 7 days of data': '2026-11-24 2026-11-30',
    'Last full month': '2026-11-01 2026-11-30',
    'Whole range': '2024-01-01 2026-11-30',
  });
  expect(found('2025-06-15T00:00:00Z')['Last full month']).toBe('2025-05-01 2025-05-31');
});
