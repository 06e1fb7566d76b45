import { canonicalInstant } from '../../lib/contracts/canonical-instant.ts';
import {
  type CsvOptions,
  compressions,
  consistencies,
  formats,
  parquetTypes,
  profiles,
} from '../../lib/contracts/format-capabilities.ts';
import { parseDay, type TypedDateTime, toTypedRange } from '../time/range.ts';
import { duration } from '../ui/quantity.ts';
import { type Draft, emptyDraft, type FormError, oneOf } from './draft.ts';
import { readCsv } from './last-choices.ts';
import { linkFields } from './link-fields.ts';
import { ttlBounds } from './request-options.ts';
import { readLinkedConditions } from './sent-conditions.ts';

/** The draft that a link fills the form with, and an error for each parameter that was not read. */
interface Link {
  draft: Draft;
  linkErrors: FormError[];
}

/** Returns the object that a text is as JSON; null if it is something else. */
function jsonObject(text: string): object | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && !Array.isArray(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

/** Returns the options, with the defaults of those that are left out; null if one is not known. */
function readCsvOptions(linked: object | null): CsvOptions | null {
  if (linked === null) return null;
  const options = readCsv(linked);
  const known = new Map<string, unknown>(Object.entries(options));
  return Object.entries(linked).every(([name, value]) => known.get(name) === value)
    ? options
    : null;
}

/** Query parameters of the list next to the form; `format` and `source` are those of the form. */
const listParameters = ['status', 'kind', 'readFrom', 'search', 'downloaded'];

/**
 * Reads the query of a link: `?source=sales,iot&dataset=orders&columns=a,b&from=2026-03-01&to=2026-03-31T12:00:00Z`.
 * `where`, `csv` and `encryption` are JSON as in the API. A day is in the zone of the page, and the last day is included; an instant is as in the
 * API. A parameter that cannot be read becomes an error, so that a link never leads to more rows than it says.
 */
export function readLink(query: URLSearchParams, base: Draft, zone: string): Link {
  const errors: FormError[] = [];
  for (const name of new Set(query.keys()))
    if (!oneOf(linkFields, name) && !listParameters.includes(name))
      errors.push({
        field: null,
        message: `The address has “${name}”, which this form does not know. It is ignored.`,
      });

  const chosen = <T extends string>(
    field: 'format' | 'compression' | 'profile' | 'order' | 'consistency' | 'parquetTypes',
    choices: readonly T[],
  ): T | undefined => {
    const text = query.get(field);
    if (text === null) return undefined;
    const choice = oneOf(choices, text);
    if (choice === undefined)
      errors.push({
        field,
        message: `The address asks for ${field} “${text}”. Use one of: ${choices.join(', ')}.`,
      });
    return choice;
  };
  const dateTime = (field: 'from' | 'to'): TypedDateTime => {
    // A plus sign in an address is a space.
    const text = (query.get(field) ?? '').trim().replace(/ (\d\d:\d\d)$/, '+$1');
    const parsed = canonicalInstant(text);
    if ('instant' in parsed) return toTypedRange({ [field]: parsed.instant }, zone)[field];
    return { date: parseDay(text) ?? text, time: '' };
  };

  const columns = query.get('columns');
  const [source = '', ...others] = query.get('source')?.split(',') ?? [];
  const draft: Draft = {
    ...emptyDraft,
    source,
    others,
    dataset: query.get('dataset') ?? '',
    columns: columns === null ? null : columns.split(',').filter((name) => name !== ''),
    range: { from: dateTime('from'), to: dateTime('to') },
    format: chosen('format', formats) ?? base.format,
    compression: chosen('compression', compressions) ?? base.compression,
    profile: chosen('profile', profiles) ?? base.profile,
    timeZone: query.get('timeZone'),
    order: chosen('order', ['any', 'time'] as const) ?? 'any',
    consistency: chosen('consistency', consistencies) ?? emptyDraft.consistency,
    csv: base.csv,
    parquetTypes: chosen('parquetTypes', parquetTypes) ?? base.parquetTypes,
    timeOffset: query.get('timeOffset') === 'true',
    ttlSeconds: base.ttlSeconds,
    name: query.get('name') ?? '',
  };
  const where = query.get('where');
  if (where !== null) {
    const conditions = readLinkedConditions(where);
    if (conditions) draft.conditions = conditions;
    else
      errors.push({
        field: 'conditions',
        message:
          'The address has conditions that could not be read. Add them here, or the file has more rows.',
      });
  }
  const csv = query.get('csv');
  if (csv !== null) {
    const options = readCsvOptions(jsonObject(csv));
    if (options) draft.csv = options;
    else
      errors.push({
        field: 'csv',
        message: 'The address has options of CSV that could not be read. Choose them here.',
      });
  }
  const encryption = query.get('encryption');
  if (encryption !== null) {
    const recipients = jsonObject(encryption);
    if (recipients) draft.kept = { encryption: recipients };
    else
      errors.push({
        field: null,
        message:
          'The address asks for encryption that could not be read. The file would not be encrypted.',
      });
  }
  const ttl = query.get('ttlSeconds');
  if (ttl !== null) {
    const seconds = Number(ttl);
    const { min, max } = ttlBounds;
    if (Number.isInteger(seconds) && seconds >= min && seconds <= max) draft.ttlSeconds = seconds;
    else
      errors.push({
        field: 'ttlSeconds',
        message: `The address asks to keep the file for “${ttl}” seconds. Choose ${duration(min)} to ${duration(max)}.`,
      });
  }
  return { draft, linkErrors: errors };
}
