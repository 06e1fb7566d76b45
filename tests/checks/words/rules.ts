/**
 * Words that this project once used in a sense of its own, and the words that engineers use for the same. The
 * patterns are those of docs/glossary.md and CONTRIBUTING.md: one word for one thing, subjects that have a name,
 * quantities that have a number and a unit.
 */
export interface Rule {
  /** What to write in its place. */
  instead: string;
  /** Regexes of phrases in comments, strings, page texts and documents; a space in one is any white space. */
  phrases?: readonly string[];
  /** Identifiers that are exactly this. */
  identifiers?: readonly string[];
  /** Words of identifiers: `encoderBeside` has `encoder` and `beside`. */
  parts?: readonly string[];
  /** Identifiers that start with this word, and have another one. */
  prefixes?: readonly string[];
}

export const rules: readonly Rule[] = [
  {
    instead: 'after, below, following',
    phrases: ['behind'],
    parts: ['behind'],
  },
  {
    instead: 'in a worker thread, in parallel, next to, as well as',
    phrases: ['besides?'],
    parts: ['beside'],
  },
  { instead: 'again, new', phrases: ['anew'], parts: ['anew'] },
  { instead: 'where … from, the origin', phrases: ['whence'], parts: ['whence'] },
  {
    instead: 'separately; of taking apart: parse, split',
    phrases: ['apart(?! from)'],
  },
  {
    instead: 'the subject by its name: the caller, the account, the worker',
    phrases: ['who(?:ever|mever)', 'somebody(?: else)?', 'anybody(?: else)?', 'nobody(?: else)?'],
  },
  {
    instead: 'the number, its unit and its name',
    phrases: ['so (?:many|much|few)(?! as| that| so)'],
  },
  { instead: 'how often', phrases: ['now and then', 'every so often'] },
  {
    instead: 'reported, known, sent, says',
    phrases: ['told'],
    parts: ['told'],
  },
  {
    instead: 'release, return',
    phrases: ['(?:give|gives|giving|gave|given) (?:it |them |one |those )?back'],
    identifiers: ['giveBack', 'givenBack'],
  },
  {
    instead: 'send to the dead letter topic, keep, skip',
    phrases: ['(?:put|puts|putting|set|sets) (?:it |them |one )?aside'],
  },
  {
    instead: 'compare with, check against',
    phrases: ['(?:hold|holds|held|holding)(?: [^ .,:;]+){0,6} against'],
  },
  {
    instead: 'a sentence in the positive',
    phrases: ['(?:is|are|was|takes|wants) none', '(?:is|are) one, too'],
  },
  {
    instead: 'chunk (of a stream), unit output (of a unit), undivided (in one piece)',
    phrases: ['pieces?'],
    parts: ['piece', 'pieces'],
  },
  {
    instead: 'in progress, active, in flight',
    phrases: ['under ?way'],
    parts: ['underway'],
  },
  { instead: 'unencodable (row), unsupported (value)', phrases: ['unfit'], parts: ['unfit'] },
  {
    instead: 'the name of the thing: result, startedAt, offset, …',
    identifiers: ['made', 'begun', 'taken', 'given', 'said', 'shown', 'brought', 'nothing'],
  },
  { instead: 'max…', identifiers: ['most'], prefixes: ['most'] },
  { instead: 'min…', identifiers: ['least'], prefixes: ['least'] },
];
