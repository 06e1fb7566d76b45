import type { Edit } from './edit.ts';

const isSql = /\b(select|update|insert into|delete from)\b/i;

/** What can follow a condition at its own level of brackets. */
const afterCondition =
  /\s(?:and|or|order by|group by|limit|returning|left join|cross join|join|where|for update|for no key update|as|then|else|end|union)\b|['`;,]$/y;

/** Returns the changes of the SQL in the string or template literal between two offsets of the text. */
export function sqlEdits(text: string, start: number, end: number): Edit[] {
  const literal = text.slice(start, end);
  if (!isSql.test(literal)) return [];
  const edits: Edit[] = [];
  const drop = (operator: string, index: number, length: number): void => {
    edits.push({ start: start + index, end: start + index + length, text: '', operator });
  };
  for (const { index } of literal.matchAll(/\s(?:and|or) /g)) {
    const length = conditionLength(literal, index);
    if (length !== null && isValidWithout(literal, index, length))
      drop('SQL condition dropped', index, length);
  }
  for (const { index, 0: found } of literal.matchAll(/ for (?:no key )?update(?: of \w+)?/g))
    drop('SQL lock dropped', index, found.length);
  for (const { index, 0: found } of literal.matchAll(/ desc\b/g))
    drop('SQL order reversed', index, found.length);
  return edits;
}

/** Returns the length of the condition that begins here; null if the `and` belongs to `between … and …`. */
function conditionLength(literal: string, begin: number): number | null {
  if (/\bbetween\s+[^\s]+$/i.test(literal.slice(0, begin))) return null;
  let depth = 0;
  for (let at = begin + 4; at < literal.length; at++) {
    const letter = literal[at];
    if (letter === '(' || letter === '{' || letter === '[') depth++;
    if (letter === ')' || letter === '}' || letter === ']') depth--;
    if (depth < 0) return at - begin;
    afterCondition.lastIndex = at;
    if (depth === 0 && afterCondition.test(literal)) return at - begin;
  }
  return null;
}

/** Returns false if the rest lacks a parameter or has half a CASE: PostgreSQL rejects such a statement in every test. */
function isValidWithout(literal: string, index: number, length: number): boolean {
  const condition = literal.slice(index, index + length);
  const rest = literal.slice(0, index) + literal.slice(index + length);
  const parameters = [...condition.matchAll(/\$\d+/g)].map(([parameter]) => parameter);
  return !/\bcase\b/.test(condition) && parameters.every((parameter) => rest.includes(parameter));
}
