/** Indexes in `cellXfs` below. */
export const styles = { header: 1, date: 2, dateTime: 3, dateTimeFraction: 4, quoted: 5 } as const;

const day = 'yyyy\\-mm\\-dd';
const format = (id: number, code: string): string =>
  `<numFmt numFmtId="${id}" formatCode="${code}"/>`;
const xf = (numFmtId: number, more = ''): string =>
  `<xf numFmtId="${numFmtId}" fontId="0" fillId="0" borderId="0" xfId="0"${more}/>`;

/** Custom formats start at 164 (ECMA-376 part 1, 18.8.30). Excel requires the two fills. */
export const stylesXml =
  '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">' +
  `<numFmts count="3">${format(164, day)}${format(165, `${day}\\ hh:mm:ss`)}${format(166, `${day}\\ hh:mm:ss.000`)}</numFmts>` +
  '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>' +
  '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>' +
  '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>' +
  '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>' +
  `<cellXfs count="6">${xf(0)}<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>` +
  [164, 165, 166].map((id) => xf(id, ' applyNumberFormat="1"')).join('') +
  `${xf(0, ' quotePrefix="1"')}</cellXfs>` +
  '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>';
