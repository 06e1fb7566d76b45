import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import {
  type CsvOptions,
  capabilitiesOf,
  type ParquetTypes,
  plainCsv,
} from '../../lib/contracts/format-capabilities.ts';
import { shortened } from '../../lib/contracts/sizes.ts';
import { conditionText } from './condition-text.ts';
import { csvNames, csvTerms } from './csv-names.ts';

export const profileNames: Record<ExportRequest['profile'], string> = {
  machine: 'Programs',
  spreadsheet: 'Spreadsheets',
};

export const parquetTypeNames: Record<ParquetTypes, string> = {
  native: 'as the columns have them',
  portable: 'portable: uuid, time and JSON as text',
};

/** A choice of a request that is not the usual one, in words. */
export interface Choice {
  term: string;
  text: string;
}

/** Fields of a request that stand elsewhere on the page, or in the choices below. */
const told = new Set<string>([
  'sources',
  'dataset',
  'from',
  'to',
  'format',
  'columns',
  'where',
  'compression',
  'profile',
  'timeZone',
  'timeOffset',
  'order',
  'consistency',
  'csv',
  'parquetTypes',
  'ttlSeconds',
] satisfies (keyof ExportRequest)[]);

/** Returns which rows of the range an export has and how they stand in the file, where that is not as usual. */
export function choicesOf(
  request: Omit<Partial<ExportRequest>, 'format'> & Pick<ExportRequest, 'format'>,
): Choice[] {
  const { where = [], profile, timeZone = 'UTC', timeOffset, order } = request;
  const { format, csv, parquetTypes } = request;
  const choices: Choice[] = where.map((condition) => ({
    term: 'Condition',
    text: conditionText(condition),
  }));
  const usual = capabilitiesOf(format).defaults.profile;
  if (profile !== undefined && profile !== usual)
    choices.push({ term: 'Written for', text: profileNames[profile] });
  if (profile === 'spreadsheet') choices.push({ term: 'Times in the file', text: timeZone });
  if (timeOffset) choices.push({ term: 'Offset of times', text: 'written, times are text' });
  if (order === 'time') choices.push({ term: 'Order', text: 'by time' });
  if (csv) choices.push(...csvChoicesOf(csv));
  if (parquetTypes === 'portable')
    choices.push({ term: 'Types', text: parquetTypeNames[parquetTypes] });
  return [...choices, ...otherChoices(request)];
}

function csvChoicesOf(options: CsvOptions): Choice[] {
  const { delimiter, decimal, nullText, quote, newline } = options;
  const all: { of: keyof CsvOptions; text: string }[] = [
    { of: 'delimiter', text: csvNames.delimiter[delimiter] },
    { of: 'decimal', text: csvNames.decimal[decimal] },
    { of: 'nullText', text: nullText },
    { of: 'quote', text: csvNames.quote[quote] },
    { of: 'newline', text: csvNames.newline[newline] },
  ];
  return all
    .filter(({ of }) => options[of] !== plainCsv[of])
    .map(({ of, text }) => ({ term: csvTerms[of], text }));
}

/** Whatever else was asked for, by its name in the API: nothing of a request is kept quiet. */
const otherChoices = (request: object): Choice[] =>
  Object.entries(request)
    .filter(([name, value]) => !told.has(name) && value !== undefined)
    .map(([name, value]) => ({
      term: name,
      text: typeof value === 'string' ? value : JSON.stringify(value),
    }));

/** Characters of one choice in the row of an export. */
const mostInRow = 60;

/** The same for the row of an export: the first of them, and how many more there are. */
export function choicesInRow(request: ExportRequest): string[] {
  // The zone of a workbook is that of whoever asked for it.
  const [first, second, ...more] = choicesOf(request).filter(
    ({ term }) => term !== 'Times in the file' || request.format !== 'xlsx',
  );
  return [
    ...[first, second].flatMap((choice) => (choice ? [shortened(inRow(choice), mostInRow)] : [])),
    ...(more.length > 0 ? [`${more.length} more ${more.length === 1 ? 'option' : 'options'}`] : []),
  ];
}

const inRow = ({ term, text }: Choice): string =>
  term === 'Condition' ? text : `${term.toLowerCase()}: ${text}`;
