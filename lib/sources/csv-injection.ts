/**
 * First characters of a text that a spreadsheet takes for a formula. It skips tabs and line ends before one.
 * https://owasp.org/www-community/attacks/CSV_Injection
 */
export const formulaBegins: readonly string[] = ['=', '+', '-', '@', '\t', '\r', '\n'];

/** Their full-width forms, which some spreadsheets take for them. */
export const wideFormulaBegins: readonly string[] = ['\uff1d', '\uff0b', '\uff0d', '\uff20'];
