import { parseArgs } from 'node:util';

export const usage =
  'usage: npm run simulate -- [--series 100] [--rate 1000] [--seconds n] [--seed n] [--gaps] [--late share] [--bad share] [--quiet]';

export interface SimulationOptions {
  /** Number of series. */
  series: number;
  /** Readings per second, of all series together. */
  rate: number;
  seed: number;
  /** Whether series are silent in one of ten times of five minutes. */
  gaps: boolean;
  /** Share of the readings that arrive up to an hour late. */
  late: number;
  /** Share of records that ingest has to reject. */
  bad: number;
  /** How long it runs; undefined: until it is stopped. */
  seconds: number | undefined;
  /** Prints no line per second. */
  quiet: boolean;
}

/** An option that is unknown or has a wrong value. */
export class OptionError extends Error {}

interface NumberRule {
  description: string;
  accepts: (value: number) => boolean;
}

const rules = {
  series: {
    description: 'a whole number from 1 to 100,000',
    accepts: (value) => Number.isInteger(value) && value >= 1 && value <= 100_000,
  },
  rate: {
    description: 'a number of readings per second, more than 0 and at most 100,000',
    accepts: (value) => value > 0 && value <= 100_000,
  },
  seed: {
    description: 'a whole number from 0 to 4,294,967,295',
    accepts: (value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32,
  },
  late: {
    description: 'a share from 0 to 1, like 0.05',
    accepts: (value) => value >= 0 && value <= 1,
  },
  bad: {
    description: 'a share from 0 to 1, like 0.01',
    accepts: (value) => value >= 0 && value <= 1,
  },
  seconds: {
    description: 'a number of seconds, more than 0',
    accepts: (value) => value > 0 && value <= 31_536_000,
  },
} satisfies Record<string, NumberRule>;

/** Parses the arguments of the command. Throws an `OptionError` that says what is wrong. */
export function parseOptions(args: readonly string[]): SimulationOptions {
  const { values } = parse(args);
  const numberOf = <Default>(name: keyof typeof rules, fallback: Default): number | Default => {
    const text = values[name];
    if (text === undefined) return fallback;
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    const { accepts, description } = rules[name];
    if (accepts(value)) return value;
    throw new OptionError(`--${name} must be ${description}; it is ${JSON.stringify(text)}`);
  };
  return {
    series: numberOf('series', 100),
    rate: numberOf('rate', 1_000),
    seed: numberOf('seed', 1),
    gaps: values.gaps === true,
    late: numberOf('late', 0),
    bad: numberOf('bad', 0),
    seconds: numberOf('seconds', undefined),
    quiet: values.quiet === true,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        series: { type: 'string' },
        rate: { type: 'string' },
        seed: { type: 'string' },
        gaps: { type: 'boolean' },
        late: { type: 'string' },
        bad: { type: 'string' },
        seconds: { type: 'string' },
        quiet: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new OptionError(error instanceof Error ? error.message : String(error));
  }
}
