import { fromAbsolute, parseDateTime, toZoned } from '@internationalized/date';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { wallClockOf } from './time-zone.ts';

const instantsAt = (zone: string, wall: string): string[] =>
  wallClockOf(zone)(Date.parse(`${wall}Z`) / 1_000).map((seconds) =>
    new Date(seconds * 1_000).toISOString().slice(0, 19),
  );

describe('wallClockOf', () => {
  test.each([
    ['Europe/Berlin', '2026-01-15T08:30:00', ['2026-01-15T07:30:00']],
    ['Europe/Berlin', '2026-07-15T08:30:00', ['2026-07-15T06:30:00']],
    ['Asia/Kolkata', '2026-07-15T08:30:00', ['2026-07-15T03:00:00']],
    ['UTC', '2026-07-15T08:30:00', ['2026-07-15T08:30:00']],
    // Forward over 02:00 to 03:00, and back from 03:00 to 02:00.
    ['Europe/Berlin', '2026-03-29T01:59:59', ['2026-03-29T00:59:59']],
    ['Europe/Berlin', '2026-03-29T02:00:00', []],
    ['Europe/Berlin', '2026-03-29T02:59:59', []],
    ['Europe/Berlin', '2026-03-29T03:00:00', ['2026-03-29T01:00:00']],
    ['Europe/Berlin', '2026-10-25T01:59:59', ['2026-10-24T23:59:59']],
    ['Europe/Berlin', '2026-10-25T02:00:00', ['2026-10-25T00:00:00', '2026-10-25T01:00:00']],
    ['Europe/Berlin', '2026-10-25T02:59:59', ['2026-10-25T00:59:59', '2026-10-25T01:59:59']],
    ['Europe/Berlin', '2026-10-25T03:00:00', ['2026-10-25T02:00:00']],
    // Half an hour.
    ['Australia/Lord_Howe', '2026-04-05T01:45:00', ['2026-04-04T14:45:00', '2026-04-04T15:15:00']],
    ['Australia/Lord_Howe', '2026-10-04T02:15:00', []],
    // At one minute past midnight.
    ['America/St_Johns', '2010-03-14T00:00:30', ['2010-03-14T03:30:30']],
    ['America/St_Johns', '2010-03-14T00:01:00', []],
    // A whole day that Samoa left out.
    ['Pacific/Apia', '2011-12-29T12:00:00', ['2011-12-29T22:00:00']],
    ['Pacific/Apia', '2011-12-30T12:00:00', []],
    ['Pacific/Apia', '2011-12-31T12:00:00', ['2011-12-30T22:00:00']],
    // An offset with seconds.
    ['Africa/Monrovia', '1971-06-01T00:00:00', ['1971-06-01T00:44:30']],
  ])('in %s, %s is %j', (zone, wall, instants) => {
    expect(instantsAt(zone, wall)).toEqual(instants);
  });

  const zones = [
    'Europe/Berlin',
    'America/New_York',
    'America/St_Johns',
    'Australia/Lord_Howe',
    'Africa/Casablanca',
    'Asia/Tehran',
    'Asia/Kathmandu',
    'Pacific/Chatham',
    'Pacific/Apia',
  ];
  const clocks = new Map(zones.map((zone) => [zone, wallClockOf(zone)]));
  const range = { min: Date.UTC(1973, 0, 2) / 1_000, max: Date.UTC(2050, 0, 1) / 1_000 };

  test('finds every instant by what the clock shows at it', () => {
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.integer(range), (zone, seconds) => {
        const { offset } = fromAbsolute(seconds * 1_000, zone);
        expect(clocks.get(zone)?.(seconds + offset / 1_000)).toContain(seconds);
      }),
    );
  });

  test('agrees with another implementation, around the hours in which clocks are set too', () => {
    const changes = [
      '2026-03-29T02:00',
      '2026-10-25T02:00',
      '2026-03-08T02:00',
      '2026-11-01T01:00',
      '2026-04-05T02:00',
    ];
    const wallSeconds = fc.oneof(
      fc.integer(range),
      fc
        .tuple(fc.constantFrom(...changes), fc.integer({ min: -7_200, max: 7_200 }))
        .map(([change, distance]) => Date.parse(`${change}:00Z`) / 1_000 + distance),
    );
    fc.assert(
      fc.property(fc.constantFrom(...zones), wallSeconds, (zone, seconds) => {
        const wall = parseDateTime(new Date(seconds * 1_000).toISOString().slice(0, 19));
        const instants = clocks.get(zone)?.(seconds) ?? [];
        const absolute = (which: 'earlier' | 'later'): number =>
          toZoned(wall, zone, which).toDate().getTime() / 1_000;
        // In a gap the other implementation moves the time.
        if (instants.length === 0) expect(() => toZoned(wall, zone, 'reject')).toThrow();
        else
          expect([instants[0], instants.at(-1)]).toEqual([absolute('earlier'), absolute('later')]);
      }),
    );
  });

  test('refuses an unknown zone', () => {
    expect(() => wallClockOf('Europe/Atlantis')).toThrow(RangeError);
  });
});
