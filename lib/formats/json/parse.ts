import type { PreviewValue } from '../format.ts';

/**
 * Returns the values of one object per line: strings are decoded, every other value stays as it is written, so that
 * no number changes. Leaves out a last line that is incomplete.
 */
export const parseJsonRows = (file: Buffer): PreviewValue[][] =>
  file.toString().split('\n').slice(0, -1).map(valuesOf);

const stringOrPunctuation = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/g;

/** Returns the values of an object: each is between its colon and the next comma or closing brace of that object. */
function valuesOf(object: string): PreviewValue[] {
  const values: PreviewValue[] = [];
  let depth = 0;
  let start = 0;
  for (const { 0: token, index } of object.matchAll(stringOrPunctuation)) {
    const isEnd = depth === 1 && (token === ',' || token === '}');
    if (isEnd && start > 0) values.push(previewValueOf(object.slice(start, index)));
    if (isEnd) start = 0;
    if (depth === 1 && token === ':' && start === 0) start = index + 1;
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
  }
  return values;
}

function previewValueOf(value: string): PreviewValue {
  if (value === 'null') return null;
  return value.startsWith('"') ? String(JSON.parse(value)) : value;
}
