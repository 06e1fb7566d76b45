/** One line of the timeline of an export, and its text form. */
import { redactSecrets } from '../../local/redact.ts';

export interface TimelineEntry {
  /** Milliseconds since 1970. */
  at: number;
  component: string;
  text: string;
  details: Record<string, unknown>;
}

const componentWidth = 10;

/** Returns `time  component  text  key=value …`. */
export function formatEntry({ at, component, text, details }: TimelineEntry): string {
  const fields = flat('', details).map(([name, value]) => `${name}=${value}`);
  const columns = [
    new Date(at).toISOString(),
    component.padEnd(componentWidth),
    text,
    fields.join(' '),
  ];
  return redactSecrets(columns.join('  ').trimEnd());
}

/** Sorts by time; entries of the same millisecond keep their order. */
export function sortByTime(entries: readonly TimelineEntry[]): TimelineEntry[] {
  return entries.toSorted((one, other) => one.at - other.at);
}

/** Writes nested objects as `outer.inner=value`. Stack traces are left out: they have several lines. */
function flat(prefix: string, value: object): [string, string][] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]): [string, string][] => {
    const name = `${prefix}${key}`;
    if (inner === undefined || inner === null || inner === '' || key === 'stack') return [];
    if (inner instanceof Date) return [[name, inner.toISOString()]];
    if (typeof inner === 'object' && !Array.isArray(inner)) return flat(`${name}.`, inner);
    return [[name, plain(inner)]];
  });
}

/** Quotes a value that could be read as another field or as a terminal command. */
function plain(value: unknown): string {
  return typeof value === 'string' && !/[\s"=\p{Cc}]/u.test(value) ? value : JSON.stringify(value);
}
