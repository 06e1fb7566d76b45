import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compileTimeFormat, parseNaiveIso } from './time-format.ts';

/** Seconds of a wall time that was written as if it were UTC. */
const secondsOf = (iso: string): number => Date.parse(`${iso}Z`) / 1_000;

describe('compileTimeFormat', () => {
  test.each([
    ['dd.MM.yyyy HH:mm:ss', '03.02.2026 14:05:09', '2026-02-03T14:05:09', 0],
    ['dd.MM.yyyy HH:mm:ss,SSS', '03.02.2026 14:05:09,250', '2026-02-03T14:05:09', 250_000],
    ['d/M/yy H:mm', '3/2/26 7:05', '2026-02-03T07:05:00', 0],
    ['MMM d yyyy hh:mm a', 'Feb 3 2026 12:30 am', '2026-02-03T00:30:00', 0],
    ['MMMM d yyyy h:mm a', 'february 3 2026 1:30 PM', '2026-02-03T13:30:00', 0],
    ['yyyyMMddHHmmss', '20260203140509', '2026-02-03T14:05:09', 0],
    [
      "yyyy-MM-dd'T'HH:mm:ss.SSSSSSSSS",
      '2026-02-03T14:05:09.123456789',
      '2026-02-03T14:05:09',
      123_456,
    ],
    ["'o''clock' HH dd.MM.yyyy", "o'clock 14 03.02.2026", '2026-02-03T14:00:00', 0],
    ["dd.MM.yyyy''HH", "03.02.2026'14", '2026-02-03T14:00:00', 0],
    ['yyyy-MM-dd', '2024-02-29', '2024-02-29T00:00:00', 0],
    ['yyyy.MM.dd (HH)', '2024.02.29 (05)', '2024-02-29T05:00:00', 0],
  ])('reads %s', (format, text, iso, micros) => {
    expect(compileTimeFormat(format)(text)).toEqual({ seconds: secondsOf(iso), micros });
  });

  test.each([
    ['XXX', '+02:30', 150],
    ['XXX', 'Z', 0],
    ['XX', '-0500', -300],
  ])('reads an offset in the form %s', (letters, offset, offsetMinutes) => {
    expect(compileTimeFormat(`yyyy-MM-dd HH ${letters}`)(`2026-02-03 14 ${offset}`)).toEqual({
      seconds: secondsOf('2026-02-03T14:00:00'),
      micros: 0,
      offsetMinutes,
    });
  });

  test('reads what was written, for every second', () => {
    const formats: [string, (parts: string[]) => string][] = [
      ['yyyy-MM-dd HH:mm:ss', ([y, mo, d, h, mi, s]) => `${y}-${mo}-${d} ${h}:${mi}:${s}`],
      [
        'M/d/yyyy H:mm:ss',
        ([y, mo, d, h, mi, s]) => `${Number(mo)}/${Number(d)}/${y} ${Number(h)}:${mi}:${s}`,
      ],
      [
        'dd.MM.yyyy hh:mm:ss a',
        ([y, mo, d, h, mi, s]) =>
          `${d}.${mo}.${y} ${String(Number(h) % 12 || 12).padStart(2, '0')}:${mi}:${s} ${Number(h) < 12 ? 'AM' : 'PM'}`,
      ],
    ];
    const noon1000 = Date.UTC(1000, 0, 1) / 1_000;
    const end9999 = Date.UTC(9999, 11, 31) / 1_000;
    const compiled = formats.map(([format, write]) => ({
      parse: compileTimeFormat(format),
      write,
    }));
    fc.assert(
      fc.property(fc.integer({ min: noon1000, max: end9999 }), (seconds) => {
        const parts = new Date(seconds * 1_000).toISOString().slice(0, 19).split(/[-T:]/);
        for (const { parse, write } of compiled)
          expect(parse(write(parts))).toEqual({ seconds, micros: 0 });
      }),
    );
  });

  test.each([
    ['dd.MM.yyyy', '31.02.2026', /does not exist|exists/],
    ['dd.MM.yyyy', '29.02.2100', /exists/],
    ['dd.MM.yyyy HH', '01.01.2026 24', /exists/],
    ['dd.MM.yyyy HH:mm:ss', '01.01.2026 23:59:60', /exists/],
    ['dd.MM.yyyy', '1.1.2026', /not in the format dd\.MM\.yyyy/],
    ['dd.MM.yyyy', '01.01.2026 ', /not in the format/],
    ['dd MMM yyyy', '01 Foo 2026', /Foo, which is no month/],
    ['dd.MM.yyyy hh a', '01.01.2026 13 pm', /the hour 13 of a clock with 12 hours/],
    ['dd.MM.yyyy HH XXX', '01.01.2026 13 +25:00', /the offset \+25:00/],
  ])('with the format %s refuses %j', (format, text, message) => {
    expect(() => compileTimeFormat(format)(text)).toThrow(message);
  });

  test.each([
    ['HH:mm', /must have the year once/],
    ['yyyy yy-MM-dd', /must have the year once/],
    ['yyyy-dd', /must have the month once/],
    ['yyyy-MM', /must have the day/],
    ['yyyy-MM-dd hh', /hh together with a/],
    ['yyyy-MM-dd HH a', /hh together with a/],
    ['yyyy-MM-dd HH:ss', /must have the minute/],
    ['yyyy-MM-dd mm', /must have the hour/],
    ['yyyy-MM-dd HH:mm.SSS', /must have the second/],
    ['YYYY-MM-DD', /has YYYY; known are yyyy/],
    ['yyyy-MM-dd MM', /has the month twice/],
    ["yyyy-MM-dd 'at", /an apostrophe that is not closed/],
  ])('refuses the format %s', (format, message) => {
    expect(() => compileTimeFormat(format)).toThrow(message);
  });
});

describe('parseNaiveIso', () => {
  test.each([
    ['2026-02-03T14:05:09', '2026-02-03T14:05:09', 0],
    ['2026-02-03 14:05:09.5', '2026-02-03T14:05:09', 500_000],
    ['2026-02-03t14:05', '2026-02-03T14:05:00', 0],
    ['2026-02-03', '2026-02-03T00:00:00', 0],
    ['2026-02-03T14:05:09,123456789', '2026-02-03T14:05:09', 123_456],
  ])('reads %s', (text, iso, micros) => {
    expect(parseNaiveIso(text)).toEqual({ seconds: secondsOf(iso), micros });
  });

  test.each(['2026-02-30', '2026-02-03T14', '03.02.2026', '2026-02-03T14:05:09Z', '0000-01-01'])(
    'refuses %s',
    (text) => {
      expect(() => parseNaiveIso(text)).toThrow(/date and time/);
    },
  );
});
