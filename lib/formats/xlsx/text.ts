/** What XML 1.0 cannot hold, and CR, which its readers turn into LF (XML 1.0, sections 2.2 and 2.11). */
const unheld = '\\x00-\\x08\\x0b-\\x1f\\ufffe\\uffff';

/**
 * An underscore that a reader would take for the beginning of an escape: what follows the four digits is
 * an underscore, or becomes one.
 */
const looksEscaped = `_(?=x[0-9A-Fa-f]{4}[_${unheld}])`;

const special = new RegExp(`[&<>${unheld}]|${looksEscaped}`);
const everySpecial = new RegExp(special, 'g');

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', _: '_x005F_' };

const written = (character: string): string =>
  entities[character] ??
  `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`;

/** Text as ST_Xstring (ECMA-376 part 1, 22.9.2.19): any character of 16 bits can stand as `_xHHHH_`. */
export const xmlText = (text: string): string =>
  special.test(text) ? text.replaceAll(everySpecial, written) : text;

/** Spaces that a reader may take away without being told not to. */
const delicate = /^\s|\s$|[\t\n]| {2}/;

/** An inline string (ECMA-376 part 1, 18.3.1.53): a program that reads it never takes it for a formula. */
export const inlineString = (text: string): string =>
  `<is><t${delicate.test(text) ? ' xml:space="preserve"' : ''}>${xmlText(text)}</t></is>`;
