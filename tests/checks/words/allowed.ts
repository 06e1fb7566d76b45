import type { Hit } from './find-hits.ts';

/** A place where a word of the rules is the right one. The check fails for an entry that nothing needs any more. */
interface Allowed {
  /** The word with what is around it in its line. */
  text: RegExp;
  /** Only in files whose path matches. */
  path?: RegExp;
  reason: string;
}

export const allowed: readonly Allowed[] = [
  {
    text: /\b(lag|lags|lagging|fall|falls|fell|far|further) behind\b/gi,
    reason: 'the term for a replica or consumer that has not yet what its source has',
  },
  {
    text: /\bBehind by\b/g,
    path: /^web\/live\/connection-status\.tsx$/,
    reason: 'what the page says of readings that arrive late: “Behind by 12 s”',
  },
  { text: /\bconsumers_behind\b/g, reason: 'a published code of `/health`: consumers lag behind' },
  {
    text: /\bset aside\b/gi,
    reason:
      'the term of docs/glossary.md for an outbox message that Kafka rejects, see `outbox_set_aside`',
  },
  {
    text: /\bleast\b/g,
    path: /^lib\/sources\/(key-operators|key-ranges|verify-ranges)\.ts$/,
    reason: 'a field of the ranges that are stored with units: `>=`, the counterpart of `less`',
  },
  {
    text: /\bnobody\b/g,
    path: /^(infra\/local\/services\/(nginx|postgres)\.ts|docs\/operations\.md)$/,
    reason: 'a user of the operating system',
  },
  { text: /\bis None\b/g, path: /\.py$/, reason: "Python's own comparison" },
  { text: /\bwhence\b/g, path: /\.py$/, reason: 'the parameter of the `seek` of Python files' },
];

/** Returns the entry that allows a hit: its text has to cover the word. */
export function allowanceOf(path: string, { text, column, word }: Hit): Allowed | undefined {
  const start = column - 1;
  return allowed.find(
    (entry) =>
      (entry.path?.test(path) ?? true) &&
      [...text.matchAll(entry.text)].some(
        (match) => match.index <= start && start + word.length <= match.index + match[0].length,
      ),
  );
}
