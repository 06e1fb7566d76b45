/**
 * What a text begins with that a spreadsheet takes for a formula; tabs and line ends are passed over before it.
 * https://owasp.org/www-community/attacks/CSV_Injection
 */
export const formulaBegins: readonly string[] = ['=', '+', '-', '@', '\t', '\r', '\n'];

/** The same in full width, which some programs take for them. */
export const wideFormulaBegins: readonly string[] = ['\uff1d', '\uff0b', '\uff0d', '\uff20'];
