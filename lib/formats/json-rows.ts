import type { Shown } from './format.ts';

/**
 * The values in an object a line: strings without their signs, all else as it is written, so that no number
 * becomes another. A line that does not end is left out.
 */
export const jsonRows = (file: Buffer): Shown[][] =>
  file.toString().split('\n').slice(0, -1).map(valuesOf);

const stringOrSign = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/g;

/** Of an object: each member's value stands between its colon and the comma or brace behind it. */
function valuesOf(object: string): Shown[] {
  const values: Shown[] = [];
  let depth = 0;
  let begin = 0;
  for (const { 0: sign, index } of object.matchAll(stringOrSign)) {
    const isEnd = depth === 1 && (sign === ',' || sign === '}');
    if (isEnd && begin > 0) values.push(shown(object.slice(begin, index)));
    if (isEnd) begin = 0;
    if (depth === 1 && sign === ':' && begin === 0) begin = index + 1;
    if (sign === '{' || sign === '[') depth++;
    else if (sign === '}' || sign === ']') depth--;
  }
  return values;
}

function shown(value: string): Shown {
  if (value === 'null') return null;
  return value.startsWith('"') ? String(JSON.parse(value)) : value;
}
