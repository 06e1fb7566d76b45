/** One line of the story of an export, and how it is written. */
import { withoutSecrets } from '../redact.ts';

export interface StoryLine {
  /** Milliseconds since 1970. */
  at: number;
  part: string;
  text: string;
  details: Record<string, unknown>;
}

const PART_WIDTH = 10;

/** `time  part  text  key=value …` */
export function formatLine({ at, part, text, details }: StoryLine): string {
  const fields = flat('', details).map(([name, value]) => `${name}=${value}`);
  const columns = [new Date(at).toISOString(), part.padEnd(PART_WIDTH), text, fields.join(' ')];
  return withoutSecrets(columns.join('  ').trimEnd());
}

/** In the order of time; what happened in the same millisecond stays as it was given. */
export function inOrder(lines: readonly StoryLine[]): StoryLine[] {
  return lines.toSorted((one, other) => one.at - other.at);
}

/** Objects as `outer.inner=value`. A stack has lines of its own and belongs into the log. */
function flat(prefix: string, value: object): [string, string][] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]): [string, string][] => {
    const name = `${prefix}${key}`;
    if (inner === undefined || inner === null || inner === '' || key === 'stack') return [];
    if (inner instanceof Date) return [[name, inner.toISOString()]];
    if (typeof inner === 'object' && !Array.isArray(inner)) return flat(`${name}.`, inner);
    return [[name, plain(inner)]];
  });
}

/** Whatever would be taken for another field, or for a command to the terminal, is quoted. */
function plain(value: unknown): string {
  return typeof value === 'string' && !/[\s"=\p{Cc}]/u.test(value) ? value : JSON.stringify(value);
}
