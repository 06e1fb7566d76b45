import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import {
  type CsvOptions,
  capabilitiesOf,
  type ParquetTypes,
  plainCsv,
} from '../../lib/contracts/format-capabilities.ts';
import { shortened } from '../../lib/contracts/sizes.ts';
import { conditionText } from './condition-text.ts';
import { csvLabels, csvTerms } from './csv-labels.ts';

export const profileLabels: Record<ExportRequest['profile'], string> = {
  machine: 'Programs',
  spreadsheet: 'Spreadsheets',
};

export const parquetTypeLabels: Record<ParquetTypes, string> = {
  native: 'as the columns have them',
  portable: 'portable: uuid, time and JSON as text',
};

/** A choice of a request that differs from the default, in words. */
export interface Choice {
  term: string;
  text: string;
}

/** Fields of a request that are shown elsewhere on the page, or by `choicesOf`. */
const shownElsewhere = new Set<string>([
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
  'name',
] satisfies (keyof ExportRequest)[]);

/** Returns the conditions of a request, and its choices for the file that differ from the defaults. */
export function choicesOf(
  request: Omit<Partial<ExportRequest>, 'format'> & Pick<ExportRequest, 'format'>,
): Choice[] {
  const { where = [], profile, timeZone = 'UTC', timeOffset, order } = request;
  const { format, csv, parquetTypes } = request;
  const choices: Choice[] = where.map((condition) => ({
    term: 'Condition',
    text: conditionText(condition),
  }));
  const defaultProfile = capabilitiesOf(format).defaults.profile;
  if (profile !== undefined && profile !== defaultProfile)
    choices.push({ term: 'Written for', text: profileLabels[profile] });
  if (profile === 'spreadsheet') choices.push({ term: 'Times in the file', text: timeZone });
  if (timeOffset) choices.push({ term: 'Offset of times', text: 'written, times are text' });
  if (order === 'time') choices.push({ term: 'Order', text: 'by time' });
  if (csv) choices.push(...csvChoicesOf(csv));
  if (parquetTypes === 'portable')
    choices.push({ term: 'Types', text: parquetTypeLabels[parquetTypes] });
  return [...choices, ...otherChoices(request)];
}

function csvChoicesOf(options: CsvOptions): Choice[] {
  const { delimiter, decimal, nullText, quote, newline } = options;
  const all: { option: keyof CsvOptions; text: string }[] = [
    { option: 'delimiter', text: csvLabels.delimiter[delimiter] },
    { option: 'decimal', text: csvLabels.decimal[decimal] },
    { option: 'nullText', text: nullText },
    { option: 'quote', text: csvLabels.quote[quote] },
    { option: 'newline', text: csvLabels.newline[newline] },
  ];
  return all
    .filter(({ option }) => options[option] !== plainCsv[option])
    .map(({ option, text }) => ({ term: csvTerms[option], text }));
}

/** Returns the fields that this page does not know, by their names in the API: every field of a request is shown. */
const otherChoices = (request: object): Choice[] =>
  Object.entries(request)
    .filter(([name, value]) => !shownElsewhere.has(name) && value !== undefined)
    .map(([name, value]) => ({
      term: name,
      text: typeof value === 'string' ? value : JSON.stringify(value),
    }));

/** The length of one choice in the row of an export. */
const maxChoiceCharacters = 60;

/** Returns the first two choices for the row of an export, and the number of the others. */
export function rowChoices(request: ExportRequest): string[] {
  // A workbook is in the zone of its owner by default, so its zone is not shown.
  const [first, second, ...more] = choicesOf(request).filter(
    ({ term }) => term !== 'Times in the file' || request.format !== 'xlsx',
  );
  return [
    ...[first, second].flatMap((choice) =>
      choice ? [shortened(rowText(choice), maxChoiceCharacters)] : [],
    ),
    ...(more.length > 0 ? [`${more.length} more ${more.length === 1 ? 'option' : 'options'}`] : []),
  ];
}

const rowText = ({ term, text }: Choice): string =>
  term === 'Condition' ? text : `${term.toLowerCase()}: ${text}`;
