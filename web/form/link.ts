import { canonicalInstant } from '../../lib/contracts/canonical-instant.ts';
import {
  compressions,
  consistencies,
  formats,
  profiles,
} from '../../lib/contracts/format-capabilities.ts';
import { parseDay, type TypedMoment, typeRange } from '../time/range.ts';
import { duration } from '../ui/quantity.ts';
import { type Draft, emptyDraft, type FormError, oneOf } from './draft.ts';
import { linkFields } from './link-fields.ts';
import { ttlBounds } from './request-options.ts';

/** What a link fills the form with, and what of it cannot be taken over. */
interface Link {
  draft: Draft;
  linkErrors: FormError[];
}

/** Of the list that stands beside the form. */
const ofList = ['status', 'search', 'downloaded'];

/**
 * Reads an address: `?source=sales,iot&dataset=orders&columns=a,b&from=2026-03-01&to=2026-03-31T12:00:00Z`. A day is
 * one of the page's zone, the last one included; an instant is what the API takes. What it cannot read becomes an
 * error, never a wider export.
 */
export function readLink(query: URLSearchParams, base: Draft, zone: string): Link {
  const errors: FormError[] = [];
  for (const name of new Set(query.keys()))
    if (!oneOf(linkFields, name) && !ofList.includes(name))
      errors.push({
        field: null,
        message: `The address has “${name}”, which this form does not know. It is not in this export.`,
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
        message: `The address asks for ${field} “${text}”; there is ${choices.join(', ')}.`,
      });
    return choice;
  };
  const moment = (field: 'from' | 'to'): TypedMoment => {
    // A plus sign in an address is a space.
    const text = (query.get(field) ?? '').trim().replace(/ (\d\d:\d\d)$/, '+$1');
    const read = canonicalInstant(text);
    if ('instant' in read) return typeRange({ [field]: read.instant }, zone)[field];
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
    range: { from: moment('from'), to: moment('to') },
    format: chosen('format', formats) ?? base.format,
    compression: chosen('compression', compressions) ?? base.compression,
    profile: chosen('profile', profiles) ?? base.profile,
    timeZone: query.get('timeZone'),
    order: chosen('order', ['any', 'time'] as const) ?? 'any',
    consistency: chosen('consistency', consistencies) ?? emptyDraft.consistency,
    ttlSeconds: base.ttlSeconds,
  };
  const ttl = query.get('ttlSeconds');
  if (ttl !== null) {
    const seconds = Number(ttl);
    const { min, max } = ttlBounds;
    if (Number.isInteger(seconds) && seconds >= min && seconds <= max) draft.ttlSeconds = seconds;
    else
      errors.push({
        field: 'ttlSeconds',
        message: `The address asks to keep the file for “${ttl}” seconds; it can be kept for ${duration(min)} to ${duration(max)}.`,
      });
  }
  return { draft, linkErrors: errors };
}
