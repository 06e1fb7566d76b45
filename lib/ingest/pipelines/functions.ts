import {
  type JSONValue,
  registerFunction,
  TYPE_ARRAY_NUMBER,
  TYPE_ARRAY_STRING,
  TYPE_NUMBER,
  TYPE_STRING,
} from '@jmespath-community/jmespath';

/**
 * Functions of JMESPath that are replaced, because those of the library (1.3.0) are not safe for records of unknown
 * producers: `trim` and its sisters take time by the square of the text's length, `pad_left` and `pad_right` make texts of
 * any length, `sort` sorts numbers as texts.
 */

/** Maximum width of `pad_left` and `pad_right`, in characters. */
const maxWidth = 1_000;

type Argument = Parameters<Parameters<typeof registerFunction>[1]>[0][number];

const textOf = (argument: Argument | undefined): string =>
  typeof argument === 'string' ? argument : '';

const isCharacterOf = (characters: string, character: string | undefined): boolean =>
  character !== undefined &&
  (characters === '' ? character.trim() === '' : characters.includes(character));

function trimmed(text: string, characters: string, side: 'both' | 'left' | 'right'): string {
  let start = 0;
  let end = text.length;
  if (side !== 'right') while (start < end && isCharacterOf(characters, text[start])) start++;
  if (side !== 'left') while (end > start && isCharacterOf(characters, text[end - 1])) end--;
  return text.slice(start, end);
}

function padded(args: readonly Argument[], side: 'left' | 'right'): string {
  const [text, width, padding = ' '] = args;
  if (typeof width !== 'number' || !Number.isInteger(width) || width < 0 || width > maxWidth)
    throw new Error(`the width of pad_${side}() must be an integer from 0 to ${maxWidth}`);
  if (Array.from(textOf(padding)).length !== 1)
    throw new Error(`the padding of pad_${side}() must be one character`);
  return side === 'left'
    ? textOf(text).padStart(width, textOf(padding))
    : textOf(text).padEnd(width, textOf(padding));
}

function sorted(list: Argument | undefined): JSONValue[] {
  if (!Array.isArray(list)) return [];
  return list.toSorted((a, b) =>
    typeof a === 'number' && typeof b === 'number' ? a - b : compare(textOf(a), textOf(b)),
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const text = { types: [TYPE_STRING] };
const optionalText = { types: [TYPE_STRING], optional: true };
const number = { types: [TYPE_NUMBER] };
const replaced = { override: true };

/** Replaces them in the interpreter of this process. A second call changes nothing. */
export function replaceFunctions(): void {
  for (const [name, side] of [
    ['trim', 'both'],
    ['trim_left', 'left'],
    ['trim_right', 'right'],
  ] as const)
    registerFunction(
      name,
      ([subject, characters]) => trimmed(textOf(subject), textOf(characters), side),
      [text, optionalText],
      replaced,
    );
  for (const side of ['left', 'right'] as const)
    registerFunction(
      `pad_${side}`,
      (args) => padded(args, side),
      [text, number, optionalText],
      replaced,
    );
  registerFunction(
    'sort',
    ([list]) => sorted(list),
    [{ types: [TYPE_ARRAY_STRING, TYPE_ARRAY_NUMBER] }],
    replaced,
  );
}
