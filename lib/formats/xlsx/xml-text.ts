/** Characters that XML 1.0 does not allow, and CR, which XML readers convert to LF (XML 1.0, sections 2.2 and 2.11). */
const notAllowed = '\\x00-\\x08\\x0b-\\x1f\\ufffe\\uffff';

/**
 * An underscore that a reader would interpret as the start of an escape: an underscore follows the four digits, or a
 * character whose own escape starts with one.
 */
const looksEscaped = `_(?=x[0-9A-Fa-f]{4}[_${notAllowed}])`;

const special = new RegExp(`[&<>${notAllowed}]|${looksEscaped}`);
const everySpecial = new RegExp(special, 'g');

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', _: '_x005F_' };

const escape = (character: string): string =>
  entities[character] ??
  `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`;

/** Returns text as ST_Xstring (ECMA-376 part 1, 22.9.2.19), in which `_xHHHH_` is any character of 16 bits. */
export const xmlText = (text: string): string =>
  special.test(text) ? text.replaceAll(everySpecial, escape) : text;

/** White space that a reader may remove unless `xml:space` is `preserve`. */
const removableSpace = /^\s|\s$|[\t\n]| {2}/;

/** The fixed parts of an inline string; `preserve` is an attribute of the start. */
export const stringMarkup = {
  start: '<is><t>',
  preserve: ' xml:space="preserve"',
  end: '</t></is>',
} as const;

/** Returns an inline string (ECMA-376 part 1, 18.3.1.53), which programs never interpret as a formula. */
export const inlineString = (text: string): string =>
  `${removableSpace.test(text) ? preservingStart : stringMarkup.start}${xmlText(text)}${stringMarkup.end}`;

const preservingStart = stringMarkup.start.replace(/>$/, `${stringMarkup.preserve}>`);
