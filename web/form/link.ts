import { canonicalInstant } from '../../lib/contracts/canonical-instant.ts';
import {
  compressions,
  consistencies,
  formats,
  profiles,
} from '../../lib/contracts/format-capabilities.ts';
import { parseDay, type TypedDateTime, toTypedRange } from '../time/range.ts';
import { duration } from '../ui/quantity.ts';
import { readLinkedConditions } from './conditions.ts';
import { type Draft, emptyDraft, type FormError, oneOf } from './draft.ts';
import { linkFields } from './link-fields.ts';
import { ttlBounds } from './request-options.ts';

/** The draft that a link fills the form with, and an error for each parameter that was not read. */
interface Link {
  draft: Draft;
  linkErrors: FormError[];
}

/** Query parameters of the list next to the form; `format` and `source` are those of the form. */
const listParameters = ['status', 'kind', 'readFrom', 'search', 'downloaded'];

/**
 * Reads the query of a link: `?source=sales,iot&dataset=orders&columns=a,b&from=2026-03-01&to=2026-03-31T12:00:00Z`.
 * `where` is JSON as in the API. A day is in the zone of the page, and the last day is included; an instant is as in the
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
    field: 'format' | 'compression' | 'profile' | 'order' | 'consistency',
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
