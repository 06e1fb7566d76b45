import { describe, expect, test } from '@jest/globals';
import { OptionError, parseOptions } from './options.ts';

describe('parseOptions', () => {
  test('returns the defaults', () => {
    expect(parseOptions([])).toEqual({
      series: 100,
      rate: 1_000,
      seed: 1,
      gaps: false,
      late: 0,
      bad: 0,
      seconds: undefined,
      quiet: false,
    });
  });

  test('returns every option that is given', () => {
    const line = '--series 5 --rate 0.5 --seed 7 --gaps --late 0.1 --bad 1 --seconds 2.5 --quiet';
    expect(parseOptions(line.split(' '))).toEqual({
      series: 5,
      rate: 0.5,
      seed: 7,
      gaps: true,
      late: 0.1,
      bad: 1,
      seconds: 2.5,
      quiet: true,
    });
  });

  test.each([
    ['--series 0', /--series must be a whole number from 1/],
    ['--series 1.5', /--series/],
    ['--rate 0', /--rate must be a number of readings per second/],
    ['--rate -5', /--rate/],
    ['--rate fast', /--rate must be .*; it is "fast"/],
    ['--rate 1e999', /--rate/],
    ['--seed 4294967296', /--seed/],
    ['--late 1.1', /--late must be a share/],
    ['--bad 5%', /--bad must be a share/],
    ['--seconds 0', /--seconds/],
    ['--gaps=yes', /--gaps/],
    ['--speed 5', /--speed/],
    ['fast', /fast/],
  ])('rejects %s', (line, message) => {
    const parse = () => parseOptions(line.split(' '));
    expect(parse).toThrow(OptionError);
    expect(parse).toThrow(message);
  });
});
