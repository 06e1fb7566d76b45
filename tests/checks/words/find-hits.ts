import ts from 'typescript';
import { type Rule, rules } from './rules.ts';

export interface Hit {
  line: number;
  column: number;
  /** As it stands in the file. */
  word: string;
  /** The line it is in, whole. */
  text: string;
  instead: string;
}

interface Found {
  at: number;
  word: string;
  instead: string;
}

const patterns = rules.flatMap(({ phrases = [], instead }) =>
  phrases.map((phrase) => ({
    // Where a comment goes on in the next line, its mark is between the words.
    pattern: new RegExp(`(?<![\\w-])(?:${phrase.replaceAll(' ', '[\\s*/#>]+')})(?![\\w])`, 'gi'),
    instead,
  })),
);

/** By the extension; of all other files the whole text is prose. */
const scriptKinds: Record<string, ts.ScriptKind> = {
  ts: ts.ScriptKind.TS,
  mts: ts.ScriptKind.TS,
  tsx: ts.ScriptKind.TSX,
  mjs: ts.ScriptKind.JS,
  cjs: ts.ScriptKind.JS,
};

/** Returns the words of the rules that a file has, in their order in it. */
export function findHits(path: string, content: string): Hit[] {
  const kind = scriptKinds[path.split('.').at(-1) ?? ''];
  const found: Found[] = [];
  let prose = content;
  if (kind !== undefined) {
    const code = codeOf(path, content, kind);
    found.push(...code.identifiers.flatMap(ofIdentifier));
    prose = code.prose;
  }
  for (const { pattern, instead } of patterns)
    for (const match of prose.matchAll(pattern))
      found.push({ at: match.index, word: match[0].replaceAll(/\s+[*/#>\s]*/g, ' '), instead });
  return found.toSorted((a, b) => a.at - b.at).map((one) => hitOf(content, one));
}

function hitOf(content: string, { at, word, instead }: Found): Hit {
  const start = content.lastIndexOf('\n', at - 1) + 1;
  const end = content.indexOf('\n', at);
  return {
    line: content.slice(0, at).split('\n').length,
    column: at - start + 1,
    word,
    text: content.slice(start, end < 0 ? undefined : end),
    instead,
  };
}

/** Returns the identifiers of a program, and its text with identifiers and regexes blanked out. */
function codeOf(
  path: string,
  content: string,
  kind: ts.ScriptKind,
): { identifiers: { at: number; name: string }[]; prose: string } {
  const file = ts.createSourceFile(path, content, ts.ScriptTarget.Latest, false, kind);
  const identifiers: { at: number; name: string }[] = [];
  const parts: string[] = [];
  let end = 0;
  const visit = (node: ts.Node): void => {
    const isName = ts.isIdentifier(node) || ts.isPrivateIdentifier(node);
    if (isName || ts.isRegularExpressionLiteral(node)) {
      const at = node.getStart(file);
      const length = node.end - at;
      // A name that the parser puts in where one is missing has no length.
      if (length > 0 && at >= end) {
        if (isName) identifiers.push({ at, name: node.text });
        parts.push(content.slice(end, at), ' '.repeat(length));
        end = node.end;
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  parts.push(content.slice(end));
  return { identifiers, prose: parts.join('') };
}

function ofIdentifier({ at, name }: { at: number; name: string }): Found[] {
  const bare = name.replace(/^#/, '');
  const words = wordsOf(bare);
  const applies = ({ identifiers = [], parts = [], prefixes = [] }: Rule): boolean =>
    identifiers.includes(bare) ||
    words.some((word) => parts.includes(word)) ||
    (words.length > 1 && prefixes.includes(words[0] ?? ''));
  return rules.filter(applies).map(({ instead }) => ({ at, word: bare, instead }));
}

/** `EncoderBeside` → encoder, beside; `STOP_SECONDS` → stop, seconds. */
const wordsOf = (name: string): string[] =>
  name.split(/_|(?<=[a-z\d])(?=[A-Z])/).map((word) => word.toLowerCase());
