import type { CsvOptions } from '../../lib/contracts/format-capabilities.ts';

/** The labels of the choices of each CSV option. */
export const csvLabels: {
  [F in Exclude<keyof CsvOptions, 'nullText'>]: Record<CsvOptions[F], string>;
} = {
  delimiter: { ',': 'comma', ';': 'semicolon', '\t': 'tab', '|': 'bar' },
  decimal: { '.': 'point', ',': 'comma' },
  quote: { minimal: 'if needed', all: 'all values' },
  newline: { lf: 'LF', crlf: 'CRLF' },
};

export const csvTerms: Record<keyof CsvOptions, string> = {
  delimiter: 'Delimiter',
  decimal: 'Decimals with',
  nullText: 'NULL written as',
  quote: 'Quotes',
  newline: 'Line ends',
};
